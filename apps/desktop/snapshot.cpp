#include "apps/desktop/snapshot.hpp"

#include <fmt/format.h>

#include <QDateTime>
#include <QDir>
#include <QFile>
#include <QImageWriter>
#include <QStandardPaths>
#include <QThreadPool>

namespace millrace::apps {

namespace {

constexpr int names_max = 100;   // of one second

/// A name that nobody has yet, with the file open; empty where there is no room for one.
QString open_new(QFile& file) {
    const QString folder = QStandardPaths::writableLocation(QStandardPaths::PicturesLocation);
    QDir{}.mkpath(folder);
    const QString stem = QDateTime::currentDateTime().toString(QStringLiteral("yyyyMMdd-HHmmss"));
    for (int number = 1; number <= names_max; ++number) {
        const QString more = number == 1 ? QString{} : QStringLiteral("-%1").arg(number);
        file.setFileName(QStringLiteral("%1/millrace-%2%3.png").arg(folder, stem, more));
        if (file.open(QIODevice::WriteOnly | QIODevice::NewOnly)) {
            return file.fileName();
        }
    }
    return {};
}

Sentence save(const QImage& picture) {
    QFile file;
    const QString name = open_new(file);
    if (name.isEmpty()) {
        return {.mood = Mood::trouble,
                .text = fmt::format("The picture was not kept: {}", file.errorString().toStdString())};
    }
    QImageWriter writer{&file, "png"};
    if (!writer.write(picture) || !file.flush()) {
        file.remove();
        return {.mood = Mood::trouble,
                .text = fmt::format("The picture was not kept: {}", writer.errorString().toStdString())};
    }
    return {.mood = Mood::good, .text = fmt::format("The picture is kept in {}", name.toStdString())};
}

}   // namespace

void save_snapshot(const QImage& picture, QObject* asker, std::function<void(const Sentence&)> say) {
    QThreadPool::globalInstance()->start([picture, asker, say = std::move(say)] {
        QMetaObject::invokeMethod(
            asker, [say, sentence = save(picture)] { say(sentence); }, Qt::QueuedConnection);
    });
}

}   // namespace millrace::apps
