#pragma once

#include "base/virtual_time.hpp"
#include "hub/directory.hpp"
#include "hub/mirror.hpp"
#include "hub/stream.hpp"

#include <gtest/gtest.h>

#include <deque>

/// Two workers, publishers and viewers with a wire form that anybody can read.
namespace millrace::hub::toys {

/// A wire form anybody can read: one line a unit, "v 40 key", and words for what it is told.
class LineMuxer {
public:
    bool carries(const media::Track& track) const { return track.config->codec != media::Codec::opus; }
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now) {
        line("tracks " + std::to_string(tracks.size()), log, now);
        tracks_ = tracks.size();
        return true;
    }
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
        const std::string kind = unit.kind() == media::Kind::video ? "v " : "a ";
        line(kind + std::to_string(unit.dts_ms()) + (unit.discontinuity ? " jump" : ""), log, now);
    }
    void message(const media::TimedMessage& message, BlockLog& log, Instant now) {
        line("r " + std::to_string(message.pts / 90) + " " + std::string{as_text(message.body)}, log, now);
    }
    void unpublished(BlockLog& log, Instant now) { line("unpublished", log, now); }
    void lost(BlockLog& log, Instant now) { line("lost", log, now); }
    void end(BlockLog& log, Instant now) { line("end", log, now); }
    Bytes lead(std::span<const media::Track> /*tracks*/) const { return Bytes::copy("lead\n"); }
    Bytes resume() const { return Bytes::copy("resume " + std::to_string(tracks_) + "\n"); }

private:
    static void line(const std::string& text, BlockLog& log, Instant now) {
        log.append(as_bytes(text + "\n"));
        log.end_message(now);
    }
    std::size_t tracks_ = 0;
};

inline const auto video_config =
    std::make_shared<const media::TrackConfig>(media::TrackConfig{.timescale = 90'000});
inline const auto audio_config = std::make_shared<const media::TrackConfig>(
    media::TrackConfig{.codec = media::Codec::aac, .timescale = 1000, .sample_rate = 1000});
inline const auto opus_config = std::make_shared<const media::TrackConfig>(
    media::TrackConfig{.codec = media::Codec::opus, .timescale = 48'000, .sample_rate = 48'000});

/// One worker with what a conversation needs.
struct Desk {
    Desk(VirtualExecutor& its_executor, Directory& directory)
        : executor{its_executor}, sessions{its_executor}, mirrors{directory, sessions} {
        directory.introduce(sessions);
    }
    VirtualExecutor& executor;
    Sessions sessions;
    Mirrors mirrors;
};

/// Two workers and the directory they share.
struct World {
    explicit World(Stream::Settings settings = {})
        : directory{settings, random},
          desk_a{time.add_executor(), directory},
          desk_b{time.add_executor(), directory} {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World() { time.stop(); }

    std::vector<StreamReport> reports() {
        std::vector<StreamReport> found;
        Answer<std::vector<StreamReport>> answer{desk_a.executor};
        directory.report(std::nullopt, answer.reply());
        desk_a.executor.tasks().spawn([](auto& answer_, auto& found_) -> Task<> {
            auto reports = co_await answer_.within(Instant::never());
            found_ = std::move(*reports);
        }(answer, found));
        time.settle();
        return found;
    }

    VirtualTime time;
    SeededRandom random{7};
    Directory directory;
    Desk desk_a;
    Desk desk_b;
};

/// A publisher that the test leads by hand.
class Publisher final : public Sessions::Entry {
public:
    /// The one of "live/deaf" takes nothing that applications say.
    static SessionFacts facts_of(std::string name, Identity who) {
        const bool hears = name != "live/deaf";
        return {.kind = SessionKind::publisher,
                .protocol = "toy",
                .stream = std::move(name),
                .who = std::move(who),
                .hears = hears};
    }
    Publisher(World& world, Desk& desk, std::string name = "live/cam", Identity who = {})
        : Entry{desk.sessions, facts_of(std::move(name), std::move(who))},
          world_{world},
          desk_{desk},
          answer_{desk.executor} {
        desk.executor.run([this] { world_.directory.publish(facts(), ref(), answer_.reply()); });
        desk.executor.tasks().spawn(wait(*this));
        world_.time.settle();
    }
    void video(std::int64_t ms, bool key = false, media::ConfigRef config = video_config) {
        send({.track = 0, .config = std::move(config), .dts = ms * 90, .pts = ms * 90, .key = key});
    }
    void audio(std::int64_t ms, media::ConfigRef config = audio_config) {
        send({.track = 1, .config = std::move(config), .dts = ms, .pts = ms, .key = true});
    }
    void unit(media::AccessUnit unit) { send(std::move(unit)); }
    /// Several units of video that came with one read, at these times; the last is a key frame.
    void burst(std::vector<std::int64_t> times) {
        desk_.executor.run([&] {
            for (const std::int64_t ms : times) {
                publication->write({.track = 0,
                                    .config = video_config,
                                    .dts = ms * 90,
                                    .pts = ms * 90,
                                    .key = ms == times.back()});
            }
            publication->flush();
        });
        world_.time.settle();
    }
    void announce(media::TrackId id, media::Kind kind, media::ConfigRef config = nullptr) {
        desk_.executor.run([&] {
            publication->announce({.id = id, .kind = kind, .config = std::move(config)});
            publication->flush();
        });
        world_.time.settle();
    }
    void end(Error reason) override { ended_by = reason; }
    void on_ask(Ask ask) override {
        ++asks;
        if (const auto* const rate = std::get_if<AskBitrate>(&ask)) {
            bitrate_asked = rate->bits_per_second;
        } else if (std::holds_alternative<AskKeyFrame>(ask)) {
            ++key_frames_asked;
        } else if (const auto* const message = std::get_if<AskMessage>(&ask)) {
            heard.emplace_back(as_text(message->json));
        }
    }
    void on_taken(std::size_t bytes) override { publication->taken(bytes); }
    SessionReport report() const override { return {id(), facts(), 0, 0, 0}; }

    std::optional<Publication> publication;
    std::optional<Error> refused;
    std::optional<Error> ended_by;
    int asks = 0;
    std::vector<std::string> heard;   ///< what applications said
    int key_frames_asked = 0;
    std::optional<std::uint64_t> bitrate_asked;

private:
    static Task<> wait(Publisher& self) {
        Result<Grant> grant = co_await self.answer_.within(Instant::never());
        if (grant) {
            self.publication.emplace(self.world_.directory, self.desk_.executor, self.ref(), *grant);
        } else {
            self.refused = grant.error();
        }
    }
    void send(media::AccessUnit unit) {
        desk_.executor.run([&] {
            publication->write(std::move(unit));
            publication->flush();
        });
        world_.time.settle();
    }

    World& world_;
    Desk& desk_;
    Answer<Grant> answer_;
};

/// A viewer's seat, and what it reads from there.
class Viewer {
public:
    Viewer(World& world, Desk& desk, std::string name = "live/cam") : desk_{desk}, answer_{desk.executor} {
        desk.executor.run([&] {
            desk.mirrors.join(flavour<LineMuxer>({.form = "line", .only = {}}), {.stream = std::move(name)},
                              answer_.reply());
        });
        desk.executor.tasks().spawn(wait(*this));
        world.time.settle();
    }
    ~Viewer() {
        desk_.executor.run([this] { joined.reset(); });
    }
    /// What it can read from where it joined.
    std::string read() {
        std::array<ByteSpan, 64> slices;
        const std::size_t count = joined->log->gather(from, joined->log->head(), slices);
        std::string text;
        for (const ByteSpan slice : std::span{slices}.first(count)) {
            text += as_text(slice);
        }
        from = joined->log->head();
        return text;
    }

    std::optional<Joined> joined;
    std::optional<Error> refused;
    std::uint64_t from = 0;

private:
    static Task<> wait(Viewer& self) {
        Result<Joined> joined = co_await self.answer_.within(Instant::never());
        if (!joined) {
            self.refused = joined.error();
            co_return;
        }
        self.joined = std::move(*joined);
        if (const Entrance* entrance = self.joined->log->newest_entrance()) {
            self.from = entrance->offset;
        }
    }
    Desk& desk_;
    Answer<Joined> answer_;
};

}   // namespace millrace::hub::toys
