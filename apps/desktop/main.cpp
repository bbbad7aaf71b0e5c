#include "apps/desktop/look.hpp"
#include "apps/desktop/receiver_window.hpp"
#include "apps/desktop/sender_window.hpp"

#include <fmt/core.h>

#include <QApplication>
#include <QCommandLineParser>

#include <memory>
#include <vector>

namespace millrace::apps {

namespace {

constexpr int wrong_usage = 2;

/// What the command line says.
struct Usage {
    QString verb;   ///< "send", "receive"; empty: both windows
    QString address;
    SenderWindow::Choice choice;
    Colours colours = Colours::system;
    QString sound;
    bool json = false;
    bool start = false;
};

void describe(QCommandLineParser& parser) {
    parser.setApplicationDescription(QStringLiteral("Sends and plays live video, in windows."));
    parser.addPositionalArgument(QStringLiteral("send|receive"),
                                 QStringLiteral("One window; without it, both open."));
    parser.addPositionalArgument(QStringLiteral("URL"),
                                 QStringLiteral("Where to send to, or what to play at once."));
    parser.addOptions(
        {{QStringLiteral("source"), QStringLiteral("What to send."), QStringLiteral("SOURCE")},
         {QStringLiteral("codec"), QStringLiteral("h264, h265, av1, mjpeg or copy."),
          QStringLiteral("CODEC")},
         {QStringLiteral("bitrate"), QStringLiteral("Bits a second, such as 2M."), QStringLiteral("BITS")},
         {QStringLiteral("start"), QStringLiteral("Begin to send at once.")},
         {QStringLiteral("sound"),
          QStringLiteral("What the receiver is heard by: default, a card as aplay -L lists it, or off."),
          QStringLiteral("CARD"), QStringLiteral("default")},
         {QStringLiteral("light"), QStringLiteral("Dark on light, whatever the desktop has.")},
         {QStringLiteral("dark"), QStringLiteral("Light on dark.")},
         {QStringLiteral("json"), QStringLiteral("What the windows show, one object a second on stdout.")}});
    parser.addHelpOption();
    parser.addVersionOption();
}

Usage usage_of(const QCommandLineParser& parser) {
    const QStringList words = parser.positionalArguments();
    Usage usage{.verb = words.value(0), .address = words.value(1)};
    usage.choice = {.source = parser.value(QStringLiteral("source")),
                    .codec = parser.value(QStringLiteral("codec")),
                    .bit_rate = parser.value(QStringLiteral("bitrate")),
                    .destination = usage.verb == QStringLiteral("send") ? usage.address : QString{}};
    usage.colours = parser.isSet(QStringLiteral("dark"))    ? Colours::dark
                    : parser.isSet(QStringLiteral("light")) ? Colours::light
                                                            : Colours::system;
    usage.sound = parser.value(QStringLiteral("sound"));
    usage.json = parser.isSet(QStringLiteral("json"));
    usage.start = parser.isSet(QStringLiteral("start"));
    return usage;
}

bool is_wrong(const QCommandLineParser& parser) {
    const QStringList words = parser.positionalArguments();
    const QString verb = words.value(0);
    return words.size() > 2 ||
           (!verb.isEmpty() && verb != QStringLiteral("send") && verb != QStringLiteral("receive"));
}

int run(const Usage& usage) {
    std::vector<std::unique_ptr<StreamWindow>> windows;
    std::size_t open = 0;
    const auto gone = [&open] {
        if (--open == 0) {
            QApplication::quit();
        }
    };
    if (usage.verb != QStringLiteral("receive")) {
        windows.push_back(std::make_unique<SenderWindow>(usage.choice, usage.json, gone));
    }
    if (usage.verb != QStringLiteral("send")) {
        const ReceiverWindow::Choice choice{.address = usage.address, .sound = usage.sound};
        windows.push_back(std::make_unique<ReceiverWindow>(choice, usage.json, gone));
    }
    open = windows.size();
    for (const auto& window : windows) {
        window->show();
    }
    if (usage.start || (usage.verb == QStringLiteral("receive") && !usage.address.isEmpty())) {
        windows.front()->start();
    }
    return QApplication::exec();
}

}   // namespace

}   // namespace millrace::apps

int main(int count, char** words) {
    using namespace millrace::apps;
    QApplication application{count, words};
    QApplication::setApplicationName(QStringLiteral("millrace-desktop"));
    QApplication::setApplicationVersion(QStringLiteral(MILLRACE_VERSION));
    QApplication::setQuitOnLastWindowClosed(false);   // a window that closes still ends its node
    QCommandLineParser parser;
    describe(parser);
    parser.process(application);
    if (is_wrong(parser)) {
        fmt::print(stderr, "{}", parser.helpText().toStdString());
        return wrong_usage;
    }
    const Usage usage = usage_of(parser);
    use_colours(usage.colours);
    return run(usage);
}
