#include "apps/desktop/receiver_window.hpp"

#include "apps/desktop/field.hpp"
#include "apps/node/played_address.hpp"
#include "control/playback_words.hpp"

#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>

namespace millrace::apps {

namespace {

constexpr int mute_letters = 10;

}   // namespace

ReceiverWindow::ReceiverWindow(const Choice& choice, bool says_json, std::function<void()> gone)
    : StreamWindow{{.name = "receiver",
                    .title = tr("Millrace receiver"),
                    .start = tr("Play"),
                    .says_json = says_json,
                    .gone = std::move(gone)},
                   receiver_labels({}, {})},
      sound_{choice.sound.toStdString()} {
    address_ = new QLineEdit{choice.address.isEmpty() ? QStringLiteral("rtsp://127.0.0.1:8554/live/cam")
                                                      : choice.address};
    address_->setPlaceholderText(QStringLiteral("rtsp://server:8554/live/cam"));
    connect(address_, &QLineEdit::returnPressed, this, [this] { start(); });
    mute_ = new QPushButton{tr("Mute")};
    mute_->setCheckable(true);
    mute_->setFocusPolicy(Qt::TabFocus);
    mute_->setMinimumSize(fontMetrics().averageCharWidth() * mute_letters, fontMetrics().height() * 2);
    mute_->setEnabled(sound_ != "off");
    connect(mute_, &QPushButton::toggled, this, [this](bool muted) { mute(muted); });
    add_key(Qt::Key_M, [this] { mute_->click(); });
    name_place("mute", mute_);
    auto* const row = new QWidget;
    auto* const columns = new QHBoxLayout{row};
    columns->setContentsMargins(0, 0, 0, 0);
    columns->addWidget(field(tr("Address"), address_), 1);
    columns->addWidget(mute_, 0, Qt::AlignBottom);
    add_controls(nullptr, row);
    say({.text = "Nothing is played."});
}

void ReceiverWindow::let_choose(bool allowed) {
    address_->setEnabled(allowed);
}

control::OneStream ReceiverWindow::wanted() const {
    const std::string typed = address_->text().trimmed().toStdString();
    if (typed.empty()) {
        throw control::ConfigurationError("An address is wanted, such as rtsp://server:8554/live/cam");
    }
    std::string source = played_address(typed);
    if (const std::string trouble = trouble_with(source); !trouble.empty()) {
        throw control::ConfigurationError(trouble);
    }
    return {.source = std::move(source)};
}

Labels ReceiverWindow::labels_of(const NodeSight& sight) const {
    return receiver_labels(sight.stream, sight.playback);
}

Sentence ReceiverWindow::sentence_of(const NodeSight& sight) const {
    return receiver_sentence(sight.stream, sight.playback);
}

std::string ReceiverWindow::document_of(const NodeSight& sight) const {
    return control::playback_json(control::stream_json_line(sight.stream, sight.audience), sight.playback);
}

}   // namespace millrace::apps
