#pragma once

#include "apps/desktop/course.hpp"
#include "apps/desktop/labels.hpp"
#include "apps/desktop/mailbox.hpp"
#include "apps/desktop/node_run.hpp"
#include "apps/desktop/sentences.hpp"

#include <QTimer>
#include <QWidget>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

class QHBoxLayout;
class QLabel;
class QPushButton;
class QVBoxLayout;

namespace millrace::apps {

class Figure;
class FactList;
class PictureLine;
class PictureView;

/// What both windows are: a picture to the left, numbers to the right, one sentence, two buttons, and a node
/// that runs between them. Interface thread only, but for what a NodeWatcher hears.
class StreamWindow : public QWidget, NodeWatcher {
public:
    struct Setup {
        std::string_view name;   ///< a literal, for programs: "sender"
        QString title;
        QString start;   ///< on the button
        bool says_json = false;
        std::function<void()> gone;   ///< it has closed; it may be destroyed soon, not at once
    };
    StreamWindow(const StreamWindow&) = delete;
    StreamWindow& operator=(const StreamWindow&) = delete;
    ~StreamWindow() override;

    void start();
    void stop();

protected:
    /// `blank`: the labels without numbers.
    StreamWindow(Setup setup, Labels blank);

    /// What is asked for; throws control::ConfigurationError.
    virtual control::OneStream wanted() const = 0;
    virtual Labels labels_of(const NodeSight& sight) const = 0;
    virtual Sentence sentence_of(const NodeSight& sight) const = 0;
    virtual std::string document_of(const NodeSight& sight) const = 0;
    /// The sound card that plays it; as control::DecodeWishes has it.
    virtual std::string sound() const { return {}; }
    /// What is chosen can be changed while nothing runs.
    virtual void let_choose(bool allowed) = 0;

    /// Above the buttons, and beside them; to be called once.
    void add_controls(QWidget* above, QWidget* beside);
    /// A key of the window, beside those that both have.
    void add_key(int code, std::function<void()> act);
    /// Until it is said otherwise, over the end of a run.
    void mute(bool muted);
    /// Where it stands, for programs.
    void name_place(std::string_view name, const QWidget* widget) { named_.emplace_back(name, widget); }
    void say(Sentence sentence);
    /// What was done, for some seconds.
    void notice(Sentence sentence);

private:
    void closeEvent(QCloseEvent* event) override;

    void on_sight(NodeSight sight) override;
    void on_picture(const session::LentPicture& picture) override;
    void on_dark(std::string_view why) override;
    void on_ended(std::string_view words) override;

    void make_picture();
    void make_panel();
    void make_keys();
    void begin(control::OneStream stream);
    void take_picture();
    void take_sight();
    void ended(const std::string& words);
    void go_black();
    void show_labels(const Labels& labels);
    void follow_course();
    void toggle();
    void escape();
    void switch_full_screen();
    void snapshot();
    void print() const;

    Setup setup_;
    Labels blank_;
    Labels shown_;
    Course course_;
    Sentence sentence_;
    std::string document_;
    QVBoxLayout* all_ = nullptr;
    QHBoxLayout* top_ = nullptr;
    QWidget* panel_ = nullptr;
    QWidget* foot_ = nullptr;
    PictureView* view_ = nullptr;
    std::vector<Figure*> figures_;
    FactList* facts_ = nullptr;
    std::vector<std::pair<std::string_view, const QWidget*>> named_;
    bool muted_ = false;
    QLabel* dot_ = nullptr;
    QLabel* words_ = nullptr;
    QPushButton* start_ = nullptr;
    QPushButton* stop_ = nullptr;
    QTimer say_;      // once a second, for programs
    QTimer again_;    // begins anew what was over
    QTimer notice_;   // for as long as it runs, a word on what was done stands before that all is well
    Instant labels_due_;
    bool asked_to_stop_ = false;   // by the buttons, or by a sentence that says it is over
    bool closing_ = false;
    // Made for each run, and taken apart in `ended`; the run ends first, its line after it.
    Mailbox<NodeSight> sights_;
    std::unique_ptr<PictureLine> line_;
    std::unique_ptr<NodeRun> run_;
};

}   // namespace millrace::apps
