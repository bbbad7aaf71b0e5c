#include "apps/millrace/frame_pipe.hpp"
#include "apps/millrace/status_line.hpp"
#include "apps/millrace/verbs.hpp"
#include "apps/node/now_shown.hpp"
#include "apps/node/played_address.hpp"
#include "apps/node/small_node.hpp"
#include "base/mutex.hpp"
#include "control/playback_words.hpp"

#include <atomic>

namespace millrace::apps {

namespace {

constexpr Duration look_every = 200ms;
constexpr Duration say_every = 1s;
/// With `--seconds`: how much longer the first media is waited for.
constexpr Duration first_media_max = 10s;

/// For a program that reads pictures nothing is held back, unless somebody listens.
control::DecodeWishes wishes_of(const ReceiveOptions& options) {
    return {.sound = options.sound, .hardware = options.hardware, .at_once = !options.raw.empty()};
}

/// Watches a node that receives: takes its pictures, says how it goes, and ends it when there is enough.
/// Outlives the node, on whose worker and thread aside it is called.
class Receiving final : session::PictureSink {
public:
    Receiving(const ReceiveOptions& options, net::PictureMemory memory)
        : options_{options},
          play_{{.stream = control::OneStream{}.name, .start = control::decode_start(wishes_of(options))},
                std::move(memory),
                *this},
          line_{options.json, options.raw.empty() ? stdout : stderr} {
        if (!options.raw.empty()) {
            pipe_.emplace(*raw_form(options.raw), options.frames,
                          [this](const session::LentPicture& picture, FramePipe::Outcome outcome) {
                              written(picture, outcome);
                          });
        }
    }

    /// Until it is over; the exit code.
    int run(SmallNode& node) {
        node_ = &node;
        node.play(play_);
        node.watch(look_every, [this](const SmallSight& sight) { see(sight); });
        node.run();
        if (pipe_) {
            pipe_->stop();
        }
        const MutexLock lock{line_mutex_};
        over_ = true;
        if (sight_) {
            say(*sight_);
        }
        return code_;
    }

private:
    void on_picture(const session::LentPicture& picture) override;
    void on_dark(std::string_view why) override;
    void on_report(const hub::PlaybackReport& report) override {
        const MutexLock lock{mutex_};
        playback_ = report;
    }

    void written(const session::LentPicture& picture, FramePipe::Outcome outcome);
    void count();
    void see(const SmallSight& sight);
    void say(const SmallSight& sight);   // under line_mutex_
    void judge(const SmallSight& sight);
    /// `words`: why it failed; empty where they were said, or it did not. Any thread; the first counts.
    void end(int code, std::string_view words = {});

    const ReceiveOptions& options_;
    session::DecodedPlay play_;
    SmallNode* node_ = nullptr;
    std::optional<FramePipe> pipe_;
    Mutex mutex_;
    hub::PlaybackReport playback_ MILLRACE_GUARDED_BY(mutex_);
    // The thread aside says how it goes, the main thread how it went: what follows is under the mutex.
    Mutex line_mutex_;
    StatusLine line_;
    std::optional<SmallSight> sight_;
    std::atomic<std::uint64_t> frames_ = 0;
    std::atomic<bool> over_ = false;
    std::atomic<bool> came_ = false;   // media has
    std::atomic<int> code_ = failed;   // until media comes
    // Of the thread aside.
    std::optional<Instant> began_;
    std::optional<Instant> first_media_;
    Instant say_at_;
};

void Receiving::on_picture(const session::LentPicture& picture) {
    if (over_) {
        play_.give_back(picture, {.seen = false});
    } else if (pipe_) {
        pipe_->put(picture);
    } else {
        play_.give_back(picture, now_shown());
        count();
    }
}

void Receiving::written(const session::LentPicture& picture, FramePipe::Outcome outcome) {
    using Outcome = FramePipe::Outcome;
    session::Showing showing = now_shown();
    showing.seen = outcome == Outcome::written;
    play_.give_back(picture, showing);
    switch (outcome) {
        case Outcome::written: count(); break;
        case Outcome::no_reader: end(came_ ? 0 : failed); break;
        case Outcome::other_size:
            end(failed, "the picture has another size now, which raw frames cannot say");
            break;
        case Outcome::dropped: break;
    }
}

void Receiving::count() {
    if (++frames_ == options_.frames) {
        end(0);
    }
}

void Receiving::on_dark(std::string_view why) {
    log::info("receive", "black: {}", why);
}

void Receiving::end(int code, std::string_view words) {
    if (over_.exchange(true)) {
        return;
    }
    code_ = code;
    if (!words.empty()) {
        const MutexLock lock{line_mutex_};
        line_.complain(words);
    }
    node_->stop();
}

void Receiving::say(const SmallSight& sight) {
    hub::PlaybackReport playback;
    {
        const MutexLock lock{mutex_};
        playback = playback_;
    }
    line_.say(options_.json
                  ? control::playback_json(control::stream_json_line(sight.stream, sight.audience), playback)
                  : control::playback_line(sight.stream, playback));
}

void Receiving::see(const SmallSight& sight) {
    if (over_) {
        return;   // the last word is the main thread's
    }
    judge(sight);
    const MutexLock lock{line_mutex_};
    sight_ = sight;
    if (!over_ && sight.now >= say_at_) {
        say_at_ = sight.now + say_every;
        say(sight);
    }
}

void Receiving::judge(const SmallSight& sight) {
    hub::PlaybackReport playback;
    {
        const MutexLock lock{mutex_};
        playback = playback_;
    }
    began_ = began_.value_or(sight.now);
    if (sight.stream.units_in > 0 && !came_.exchange(true)) {
        first_media_ = sight.now;
        code_ = 0;
    }
    if (!sight.stream.sources.empty()) {
        const hub::SourceStatus& source = sight.stream.sources.front();
        if (source.end == hub::SourceEnd::useless) {
            return end(wrong_usage);   // the log has said why
        }
        if (source.end == hub::SourceEnd::finished && control::is_played_out(sight.stream, playback)) {
            return came_ ? end(0) : end(failed, "the source ended before anything came");
        }
    }
    if (!playback.failed.empty() && pipe_) {
        return end(failed, playback.failed);
    }
    if (options_.seconds > 0) {
        const Duration wanted{static_cast<std::int64_t>(options_.seconds * 1e9)};
        if (first_media_ && sight.now - *first_media_ >= wanted) {
            end(0);
        } else if (!first_media_ && sight.now - *began_ >= wanted + first_media_max) {
            end(failed, "nothing came");
        }
    }
}

}   // namespace

int receive(const ReceiveOptions& options) {
    if (!options.raw.empty() && !raw_form(options.raw)) {
        fmt::print(stderr, "millrace receive: --raw is bgr24, rgb24 or yuv420p\n");
        return wrong_usage;
    }
    const std::string source = played_address(options.source);
    if (const std::string trouble = trouble_with(source); !trouble.empty()) {
        fmt::print(stderr, "millrace receive: {}\n", trouble);
        return failed;
    }
    try {
        control::OneStream stream{.source = source, .listen = {}, .transport = options.transport};
        if (!options.save.empty()) {
            stream.to = {"file:" + options.save};
        }
        Result<net::PictureMemory> memory = net::PictureMemory::make();
        if (!memory) {
            fmt::print(stderr, "millrace receive: {}\n", memory.error().what);
            return failed;
        }
        Receiving receiving{options, std::move(*memory)};
        SmallNode node{stream};
        return receiving.run(node);
    } catch (const control::ConfigurationError& error) {
        fmt::print(stderr, "millrace receive: {}\n", error.what());
        return wrong_usage;
    }
}

}   // namespace millrace::apps
