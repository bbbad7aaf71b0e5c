#include "apps/desktop/node_run.hpp"

#include "apps/node/small_node.hpp"
#include "control/playback_words.hpp"

#include <exception>

namespace millrace::apps {

void NodeRun::begin() {
    thread_ = std::thread{[this] { run(); }};
}

void NodeRun::finish() {
    if (thread_.joinable()) {
        stop();
        thread_.join();
    }
}

void NodeRun::stop() {
    const MutexLock lock{mutex_};
    if (!std::exchange(stopped_, true) && node_ != nullptr) {
        node_->stop();
    }
}

void NodeRun::give_back(const session::LentPicture& picture, session::Showing showing) {
    const MutexLock lock{mutex_};
    if (play_ != nullptr) {
        play_->give_back(picture, showing);
    }
}

void NodeRun::mute(bool muted) {
    const MutexLock lock{mutex_};
    muted_ = muted;
    if (play_ != nullptr) {
        play_->mute(muted);
    }
}

void NodeRun::on_report(const hub::PlaybackReport& report) {
    const MutexLock lock{mutex_};
    playback_ = report;
}

void NodeRun::run() {
    std::string words;
    try {
        Result<net::PictureMemory> memory = net::PictureMemory::make();
        if (memory) {
            run_node(std::move(*memory));
        } else {
            words = memory.error().what;
        }
    } catch (const std::exception& error) {
        words = error.what();
    }
    watcher_.on_ended(words);
}

void NodeRun::run_node(net::PictureMemory memory) {
    session::DecodedPlay play{{.stream = stream_.name, .start = control::decode_start({.sound = sound_})},
                              std::move(memory),
                              *this};
    SmallNode node{stream_};
    node.play(play);
    node.watch(look_every, [this](const SmallSight& seen) {
        NodeSight sight{.stream = seen.stream, .audience = seen.audience, .playback = {}, .now = seen.now};
        {
            const MutexLock lock{mutex_};
            sight.playback = playback_;
        }
        watcher_.on_sight(std::move(sight));
    });
    {
        const MutexLock lock{mutex_};
        node_ = &node;
        play_ = &play;
        play.mute(muted_);
        if (stopped_) {
            node.stop();   // nobody heard of it yet
        }
    }
    node.run();
    const MutexLock lock{mutex_};
    node_ = nullptr;
    play_ = nullptr;
}

}   // namespace millrace::apps
