#include "apps/desktop/figures.hpp"
#include "apps/desktop/look.hpp"
#include "apps/desktop/picture_view.hpp"
#include "apps/desktop/stream_window.hpp"
#include "apps/node/now_shown.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QShortcut>
#include <QVBoxLayout>

namespace millrace::apps {

namespace {

constexpr int margin = 18;
constexpr int between = 14;
constexpr int panel_letters = 34;
constexpr int button_letters = 12;
constexpr auto say_every = std::chrono::seconds{1};

}   // namespace

StreamWindow::StreamWindow(Setup setup, Labels blank)
    : setup_{std::move(setup)}, blank_{std::move(blank)}, shown_{blank_} {
    setWindowTitle(setup_.title);
    all_ = new QVBoxLayout{this};
    all_->setContentsMargins(margin, margin, margin, margin);
    all_->setSpacing(between);
    top_ = new QHBoxLayout;
    top_->setSpacing(margin + between / 2);
    all_->addLayout(top_, 1);
    make_picture();
    make_panel();
    make_keys();
    again_.setSingleShot(true);
    notice_.setSingleShot(true);
    connect(&again_, &QTimer::timeout, this, [this] { start(); });
    if (setup_.says_json) {
        connect(&say_, &QTimer::timeout, this, [this] { print(); });
        say_.start(say_every);
    }
}

void StreamWindow::make_picture() {
    const auto unseen = [this](const session::LentPicture& picture) {
        if (run_) {
            run_->give_back(picture, {.seen = false});
        }
    };
    view_ = new PictureView{this,
                            {.drawn =
                                 [this](const session::LentPicture& picture) {
                                     if (run_) {
                                         run_->give_back(picture, now_shown());
                                     }
                                 },
                             .unseen = unseen,
                             .fit =
                                 [this](QSize area) {
                                     if (line_) {
                                         line_->fit(area);
                                     }
                                 },
                             .double_click = [this] { switch_full_screen(); }}};
    top_->addWidget(view_, 1);
}

void StreamWindow::make_panel() {
    panel_ = new QWidget{this};
    panel_->setFixedWidth(fontMetrics().averageCharWidth() * panel_letters);
    auto* const column = new QVBoxLayout{panel_};
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(margin);
    for (std::size_t i = 0; i < blank_.large.size(); ++i) {
        figures_.push_back(new Figure{panel_});
        column->addWidget(figures_.back());
    }
    facts_ = new FactList{panel_};
    column->addWidget(facts_);
    column->addStretch(1);
    top_->addWidget(panel_);
    show_labels(blank_);
}

void StreamWindow::add_controls(QWidget* above, QWidget* beside) {
    foot_ = new QWidget{this};
    auto* const rows = new QVBoxLayout{foot_};
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setSpacing(between);
    auto* const line = new QHBoxLayout;
    dot_ = new QLabel{QStringLiteral("●"), foot_};
    words_ = new QLabel{foot_};
    words_->setWordWrap(true);
    words_->setTextFormat(Qt::PlainText);
    words_->setAccessibleName(tr("State"));
    line->addWidget(dot_, 0, Qt::AlignTop);
    line->addWidget(words_, 1);
    rows->addLayout(line);
    if (above != nullptr) {
        rows->addWidget(above);
    }
    auto* const buttons = new QHBoxLayout;
    buttons->setSpacing(between);
    buttons->addWidget(beside, 1);
    start_ = new QPushButton{setup_.start, foot_};
    stop_ = new QPushButton{tr("Stop"), foot_};
    for (QPushButton* const button : {start_, stop_}) {
        button->setMinimumSize(fontMetrics().averageCharWidth() * button_letters, fontMetrics().height() * 2);
        buttons->addWidget(button, 0, Qt::AlignBottom);
    }
    connect(start_, &QPushButton::clicked, this, [this] { start(); });
    connect(stop_, &QPushButton::clicked, this, [this] { stop(); });
    rows->addLayout(buttons);
    all_->addWidget(foot_);
    // As large as everything likes to be: a sentence that may wrap makes Qt begin with less.
    resize(all_->totalSizeHint());
    follow_course();
}

void StreamWindow::make_keys() {
    add_key(Qt::Key_Space, [this] { toggle(); });
    add_key(Qt::Key_F, [this] { switch_full_screen(); });
    add_key(Qt::Key_S, [this] { snapshot(); });
    add_key(Qt::Key_Escape, [this] { escape(); });
    add_key(Qt::Key_Q, [this] { close(); });
}

void StreamWindow::add_key(int code, std::function<void()> act) {
    auto* const shortcut = new QShortcut{QKeySequence{code}, this};
    shortcut->setAutoRepeat(false);
    connect(shortcut, &QShortcut::activated, this, std::move(act));
}

void StreamWindow::toggle() {
    course_.can_stop() || again_.isActive() ? stop() : start();
}

void StreamWindow::escape() {
    if (isFullScreen()) {
        switch_full_screen();
    } else if (qobject_cast<QLineEdit*>(focusWidget()) != nullptr) {
        view_->setFocus();
    } else {
        close();
    }
}

void StreamWindow::switch_full_screen() {
    const bool full = !isFullScreen();
    panel_->setVisible(!full);
    foot_->setVisible(!full);
    const int edge = full ? 0 : margin;
    all_->setContentsMargins(edge, edge, edge, edge);
    full ? showFullScreen() : showNormal();
    print();
}

}   // namespace millrace::apps
