#include "apps/desktop/source_choice.hpp"

#include "apps/desktop/look.hpp"
#include "net/child.hpp"

#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>

namespace millrace::apps {

namespace {

QString kind_in_words(const QString& kind) {
    return kind == QStringLiteral("camera")   ? QObject::tr("Camera")
           : kind == QStringLiteral("screen") ? QObject::tr("Screen")
                                              : QObject::tr("Microphone");
}

}   // namespace

SourceChoice::SourceChoice(QWidget* parent) : QComboBox{parent} {
    setEditable(true);
    setInsertPolicy(QComboBox::NoInsert);
    addItem(tr("Synthetic camera"), QStringLiteral("test:"));
    ask_for_devices();
}

QString SourceChoice::source() const {
    const int row = findText(currentText());
    return row >= 0 ? itemData(row).toString() : currentText().trimmed();
}

void SourceChoice::set_source(const QString& source) {
    const int row = findData(source);
    row >= 0 ? setCurrentIndex(row) : setEditText(source);
}

/// The child knows them; it ends by itself.
void SourceChoice::ask_for_devices() {
    auto* const child = new QProcess{this};
    connect(child, &QProcess::finished, this, [this, child] {
        for (const QByteArray& line : child->readAllStandardOutput().split('\n')) {
            add_device(line);
        }
        child->deleteLater();
    });
    child->start(text_of(net::program_beside_us("millrace-media")),
                 {QStringLiteral("--devices"), QStringLiteral("json")}, QIODevice::ReadOnly);
}

void SourceChoice::add_device(const QByteArray& line) {
    const QJsonObject device = QJsonDocument::fromJson(line).object();
    const QString source = device[QStringLiteral("source")].toString();
    if (source.isEmpty()) {
        return;
    }
    const QString chosen = this->source();
    addItem(QStringLiteral("%1: %2").arg(kind_in_words(device[QStringLiteral("kind")].toString()),
                                         device[QStringLiteral("name")].toString()),
            source);
    if (chosen == source) {
        set_source(source);   // it was typed before its name was known
    }
}

}   // namespace millrace::apps
