#pragma once

#include "base/mutex.hpp"
#include "control/one_stream.hpp"
#include "control/report_json.hpp"
#include "session/decoded_play.hpp"

#include <string>
#include <thread>

namespace millrace::apps {

class SmallNode;

/// What there is to see of a node and of what it plays.
struct NodeSight {
    hub::StreamReport stream;
    control::Audience audience;
    hub::PlaybackReport playback;
    Instant now;
};

/// Who hears of a node that runs: on threads of the node's, which never wait there.
class NodeWatcher {
public:
    virtual void on_sight(NodeSight sight) = 0;
    /// Lent until it is given back.
    virtual void on_picture(const session::LentPicture& picture) = 0;
    virtual void on_dark(std::string_view why) = 0;
    /// The last word. `words`: why it could not run; empty: it was stopped, by a signal or by `stop`.
    virtual void on_ended(std::string_view words) = 0;

protected:
    ~NodeWatcher() = default;
};

/// One node with one stream, which is decoded here, on a thread of its own: it starts children, and lives as
/// long as the node. Owned by a window's thread; destroying it waits until the node has ended.
class NodeRun final : session::PictureSink {
public:
    static constexpr Duration look_every = 200ms;

    /// `watcher` outlives this.
    /// `sound`: as control::DecodeWishes has it.
    NodeRun(control::OneStream stream, std::string sound, NodeWatcher& watcher)
        : stream_{std::move(stream)}, sound_{std::move(sound)}, watcher_{watcher} {}
    NodeRun(const NodeRun&) = delete;
    NodeRun& operator=(const NodeRun&) = delete;
    ~NodeRun() override { finish(); }

    /// Once.
    void begin();
    /// Begins to end it in good order. Any thread.
    void stop();
    /// Ends it and waits until it has ended.
    void finish();
    /// Any thread, at any time.
    void give_back(const session::LentPicture& picture, session::Showing showing);
    void mute(bool muted);

private:
    void run();
    void run_node(net::PictureMemory memory);
    void on_picture(const session::LentPicture& picture) override { watcher_.on_picture(picture); }
    void on_dark(std::string_view why) override { watcher_.on_dark(why); }
    void on_report(const hub::PlaybackReport& report) override;

    control::OneStream stream_;
    std::string sound_;
    NodeWatcher& watcher_;
    Mutex mutex_;
    SmallNode* node_ MILLRACE_GUARDED_BY(mutex_) = nullptr;              // while it can be stopped
    session::DecodedPlay* play_ MILLRACE_GUARDED_BY(mutex_) = nullptr;   // likewise
    hub::PlaybackReport playback_ MILLRACE_GUARDED_BY(mutex_);
    bool stopped_ MILLRACE_GUARDED_BY(mutex_) = false;
    bool muted_ MILLRACE_GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}   // namespace millrace::apps
