#include "apps/desktop/sender_window.hpp"

#include "apps/desktop/field.hpp"
#include "apps/desktop/source_choice.hpp"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLineEdit>

namespace millrace::apps {

namespace {

constexpr std::string_view nowhere =
    "A destination is wanted, such as rtsp://server:8554/live/cam or file:cam.mp4";
constexpr std::string_view from_nowhere = "A source is wanted, such as test: or v4l2:/dev/video0";

bool is_elsewhere(const QString& source) {
    return source.contains(QStringLiteral("://"));
}

bool has_bit_rate(const QString& codec) {
    return codec != QStringLiteral("mjpeg") && codec != QStringLiteral("copy");
}

void choose(QComboBox& box, const QString& wanted) {
    if (const int row = box.findData(wanted); row >= 0) {
        box.setCurrentIndex(row);
    } else if (box.isEditable() && !wanted.isEmpty()) {
        box.setEditText(wanted);
    }
}

}   // namespace

SenderWindow::SenderWindow(Choice choice, bool says_json, std::function<void()> gone)
    : StreamWindow{{.name = "sender",
                    .title = tr("Millrace sender"),
                    .start = tr("Start"),
                    .says_json = says_json,
                    .gone = std::move(gone)},
                   sender_labels({}, {})} {
    add_controls(make_choices(choice), make_destination(choice));
    say({.text = "Nothing is sent."});
}

QWidget* SenderWindow::make_choices(const Choice& choice) {
    auto* const row = new QWidget;
    auto* const columns = new QHBoxLayout{row};
    columns->setContentsMargins(0, 0, 0, 0);
    source_ = new SourceChoice{row};
    codec_ = new QComboBox{row};
    codec_->addItem(QStringLiteral("H.264"), QStringLiteral("h264"));
    codec_->addItem(QStringLiteral("H.265"), QStringLiteral("h265"));
    codec_->addItem(QStringLiteral("AV1"), QStringLiteral("av1"));
    codec_->addItem(QStringLiteral("MJPEG"), QStringLiteral("mjpeg"));
    codec_->addItem(tr("As it comes"), QStringLiteral("copy"));
    bit_rate_ = new QComboBox{row};
    bit_rate_->setEditable(true);
    bit_rate_->setInsertPolicy(QComboBox::NoInsert);
    for (const char* const rate : {"500k", "1M", "2M", "4M", "8M"}) {
        bit_rate_->addItem(QString::fromLatin1(rate), QString::fromLatin1(rate));
    }
    if (!choice.source.isEmpty()) {
        source_->set_source(choice.source);
    }
    choose(*codec_, choice.codec);
    choose(*bit_rate_, choice.bit_rate.isEmpty() ? QStringLiteral("2M") : choice.bit_rate);
    columns->addWidget(field(tr("Source"), source_), 3);
    columns->addWidget(field(tr("Codec"), codec_), 1);
    columns->addWidget(field(tr("Bit rate"), bit_rate_), 1);
    connect(source_, &QComboBox::currentTextChanged, this, [this] { follow_source(); });
    connect(codec_, &QComboBox::currentIndexChanged, this, [this] { follow_source(); });
    return row;
}

QWidget* SenderWindow::make_destination(const Choice& choice) {
    destination_ = new QLineEdit{
        choice.destination.isEmpty() ? QStringLiteral("rtsp://127.0.0.1:8554/live/cam") : choice.destination};
    destination_->setPlaceholderText(QStringLiteral("rtsp://server:8554/live/cam"));
    connect(destination_, &QLineEdit::returnPressed, this, [this] { start(); });
    return field(tr("Destination"), destination_);
}

void SenderWindow::let_choose(bool allowed) {
    source_->setEnabled(allowed);
    destination_->setEnabled(allowed);
    codec_->setEnabled(allowed);
    bit_rate_->setEnabled(allowed);
    if (allowed) {
        follow_source();
    }
}

void SenderWindow::follow_source() {
    const bool encoded = !is_elsewhere(source_->source());
    codec_->setEnabled(encoded);
    bit_rate_->setEnabled(encoded && has_bit_rate(codec_->currentData().toString()));
}

control::OneStream SenderWindow::wanted() const {
    const QString source = source_->source();
    const QString destination = destination_->text().trimmed();
    if (source.isEmpty()) {
        throw control::ConfigurationError(std::string{from_nowhere});
    }
    if (destination.isEmpty()) {
        throw control::ConfigurationError(std::string{nowhere});
    }
    control::EncodeWords words;
    if (!is_elsewhere(source)) {
        const QString codec = codec_->currentData().toString();
        words.codec = codec.toStdString();
        words.bitrate = has_bit_rate(codec) ? bit_rate_->currentText().trimmed().toStdString() : "";
    }
    return {.source = control::encoded(source.toStdString(), words), .to = {destination.toStdString()}};
}

Labels SenderWindow::labels_of(const NodeSight& sight) const {
    return sender_labels(sight.stream, sight.audience);
}

Sentence SenderWindow::sentence_of(const NodeSight& sight) const {
    return sender_sentence(sight.stream, sight.audience);
}

std::string SenderWindow::document_of(const NodeSight& sight) const {
    return control::stream_json_line(sight.stream, sight.audience);
}

}   // namespace millrace::apps
