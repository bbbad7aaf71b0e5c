#include "apps/desktop/stream_window.hpp"

#include "apps/desktop/figures.hpp"
#include "apps/desktop/look.hpp"
#include "apps/desktop/picture_view.hpp"
#include "apps/desktop/snapshot.hpp"
#include "apps/desktop/window_json.hpp"
#include "apps/node/now_shown.hpp"

#include <fmt/core.h>

#include <QApplication>
#include <QCloseEvent>
#include <QLabel>
#include <QMetaObject>
#include <QPushButton>
#include <QThreadPool>

#include <cstdio>

namespace millrace::apps {

namespace {

/// Numbers that change more often cannot be read.
constexpr Duration labels_every = 1s;
constexpr auto begin_anew_after = std::chrono::seconds{1};
constexpr auto notice_for = std::chrono::seconds{4};

std::array<int, 4> place_of(const QWidget& widget) {
    const QPoint at = widget.mapToGlobal(QPoint{0, 0});
    return {at.x(), at.y(), widget.width(), widget.height()};
}

}   // namespace

StreamWindow::~StreamWindow() {
    QThreadPool::globalInstance()->waitForDone();   // snapshots speak to this
    if (run_) {
        run_->finish();
        line_->stop();
    }
}

void StreamWindow::snapshot() {
    if (view_->is_black()) {
        notice({.mood = sentence_.mood, .text = "There is no picture to keep."});
        return;
    }
    save_snapshot(view_->whole(), this, [this](const Sentence& sentence) { notice(sentence); });
}

void StreamWindow::start() {
    again_.stop();
    if (!course_.can_start() || closing_) {
        return;
    }
    try {
        begin(wanted());
    } catch (const control::ConfigurationError& error) {
        say({.mood = Mood::failed, .text = error.what()});
    }
}

void StreamWindow::begin(control::OneStream stream) {
    course_.start();
    asked_to_stop_ = false;
    labels_due_ = {};
    [[maybe_unused]] const auto stale = sights_.take();
    for (Figure* const figure : figures_) {
        figure->clear();
    }
    line_ = std::make_unique<PictureLine>(PictureLine::Ends{
        .delivered =
            [this] { QMetaObject::invokeMethod(this, [this] { take_picture(); }, Qt::QueuedConnection); },
        .unseen =
            [this](const session::LentPicture& picture) { run_->give_back(picture, {.seen = false}); }});
    line_->fit(view_->area());
    NodeWatcher& watcher = *this;
    run_ = std::make_unique<NodeRun>(std::move(stream), sound(), watcher);
    run_->mute(muted_);
    run_->begin();
    say({.text = "Starting"});
    follow_course();
}

void StreamWindow::mute(bool muted) {
    muted_ = muted;
    if (run_) {
        run_->mute(muted);
    }
    print();
}

void StreamWindow::stop() {
    again_.stop();
    sentence_.again = false;
    asked_to_stop_ = true;
    if (course_.stop()) {
        go_black();
        say({.text = "Stopping"});
        run_->stop();
    } else if (course_.can_start()) {
        say({.text = "Stopped"});   // it was to begin anew
    }
    follow_course();
}

/// The picture and the numbers, at once: they are of something that does not run any more.
void StreamWindow::go_black() {
    view_->go_black({});
    view_->repaint();
    show_labels(blank_);
    document_.clear();
}

void StreamWindow::on_picture(const session::LentPicture& picture) {
    line_->put(picture);
}

void StreamWindow::on_dark(std::string_view why) {
    line_->put_black(why);
}

void StreamWindow::on_sight(NodeSight sight) {
    if (sights_.put(std::move(sight)).tell) {
        QMetaObject::invokeMethod(this, [this] { take_sight(); }, Qt::QueuedConnection);
    }
}

void StreamWindow::on_ended(std::string_view words) {
    QMetaObject::invokeMethod(
        this, [this, words = std::string{words}] { ended(words); }, Qt::QueuedConnection);
}

void StreamWindow::take_picture() {
    std::optional<Frame> frame = line_ ? line_->take() : std::nullopt;
    if (!frame) {
        return;
    }
    if (!course_.can_stop()) {
        if (!frame->is_black()) {
            run_->give_back(frame->lent, {.seen = false});
        }
        return;
    }
    const bool changes = frame->is_black() != view_->is_black();
    if (frame->is_black()) {
        Sentence dark{.mood = Mood::trouble, .text = capital(frame->why_black) + '.'};
        view_->go_black(text_of(dark.text));
        say(std::move(dark));
        show_labels(blank_);
        labels_due_ = {};
    } else {
        view_->show_frame(std::move(*frame));
    }
    if (changes) {
        print();
    }
}

void StreamWindow::take_sight() {
    const std::optional<NodeSight> sight = sights_.take();
    if (!sight || !course_.can_stop()) {
        return;
    }
    const Labels labels = labels_of(*sight);
    for (std::size_t i = 0; i < figures_.size(); ++i) {
        figures_[i]->add(sight->now, labels.large[i].number);
    }
    Sentence sentence = sentence_of(*sight);
    if (sight->now >= labels_due_ || sentence.mood != sentence_.mood) {
        labels_due_ = sight->now + labels_every;
        document_ = setup_.says_json ? document_of(*sight) : std::string{};
        show_labels(labels);
    }
    if (view_->is_black() && sentence.mood != Mood::good) {
        view_->go_black(text_of(sentence.text));
    }
    const bool over = sentence.over;
    if (!notice_.isActive() || sentence.mood != Mood::good) {
        say(std::move(sentence));
    }
    if (over) {
        asked_to_stop_ = true;
        course_.stop();
        go_black();
        view_->go_black(text_of(sentence_.text));
        run_->stop();
        follow_course();
    }
}

void StreamWindow::ended(const std::string& words) {
    run_->finish();
    line_->stop();
    go_black();
    run_.reset();
    line_.reset();
    const bool by_signal = !asked_to_stop_ && words.empty();
    course_.ended();
    if (!words.empty()) {
        say({.mood = Mood::failed, .text = words});
    } else if (sentence_.text == "Stopping") {
        say({.text = "Stopped"});
    }
    view_->go_black(sentence_.over || !words.empty() ? text_of(sentence_.text) : QString{});
    if (sentence_.again && !closing_) {
        again_.start(begin_anew_after);
    }
    follow_course();
    if (by_signal) {
        QApplication::closeAllWindows();
    } else if (closing_) {
        close();
    }
}

void StreamWindow::say(Sentence sentence) {
    if (sentence == sentence_) {
        return;
    }
    sentence_ = std::move(sentence);
    words_->setText(text_of(sentence_.text));
    QPalette colours = palette();
    colours.setColor(QPalette::WindowText, colour_of(sentence_.mood, palette()));
    dot_->setPalette(colours);
    print();
}

void StreamWindow::notice(Sentence sentence) {
    notice_.start(notice_for);
    say(std::move(sentence));
}

void StreamWindow::show_labels(const Labels& labels) {
    shown_ = labels;
    for (std::size_t i = 0; i < figures_.size(); ++i) {
        figures_[i]->show_label(labels.large[i]);
    }
    facts_->show_labels(labels.small);
}

void StreamWindow::follow_course() {
    start_->setEnabled(course_.can_start());
    stop_->setEnabled(course_.can_stop() || again_.isActive());
    (course_.can_stop() ? stop_ : start_)->setDefault(true);
    let_choose(course_.can_start());
    view_->setFocus();   // so that keys are for the window until somebody goes into a field
    print();
}

void StreamWindow::print() const {
    if (!setup_.says_json || start_ == nullptr) {
        return;
    }
    WindowSight sight{.window = setup_.name,
                      .state = name(course_.state()),
                      .can_start = start_->isEnabled(),
                      .can_stop = stop_->isEnabled(),
                      .sentence = sentence_,
                      .labels = shown_,
                      .black = view_->is_black(),
                      .full_screen = isFullScreen(),
                      .dark = is_dark(palette()),
                      .places = {{"window", place_of(*this)},
                                 {"picture", place_of(*view_)},
                                 {"start", place_of(*start_)},
                                 {"stop", place_of(*stop_)}},
                      .stream = document_};
    for (const auto& [name, widget] : named_) {
        sight.places.emplace_back(name, place_of(*widget));
    }
    fmt::print("{}\n", window_json(sight));
    std::fflush(stdout);
}

void StreamWindow::closeEvent(QCloseEvent* event) {
    closing_ = true;
    if (run_) {
        event->ignore();   // until the node has said its end to others
        hide();
        stop();
        return;
    }
    event->accept();
    setup_.gone();
}

}   // namespace millrace::apps
