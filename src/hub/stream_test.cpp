#include "hub/stream.hpp"

#include "base/virtual_time.hpp"
#include "base/waiting.hpp"
#include "hub/directory.hpp"
#include "hub/mirror.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

/// A wire form anybody can read: one line a unit, "v 40 key", and words for what it is told.
class LineMuxer {
public:
    bool carries(const media::Track& track) const { return track.config->codec != media::Codec::opus; }
    void configure(std::span<const media::Track> tracks, BlockLog& log, Instant now) {
        line("tracks " + std::to_string(tracks.size()), log, now);
        tracks_ = tracks.size();
    }
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
        const std::string kind = unit.kind() == media::Kind::video ? "v " : "a ";
        line(kind + std::to_string(unit.dts_ms()) + (unit.discontinuity ? " jump" : ""), log, now);
    }
    void unpublished(BlockLog& log, Instant now) { line("unpublished", log, now); }
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

const auto video_config = std::make_shared<const media::TrackConfig>(media::TrackConfig{.timescale = 90'000});
const auto audio_config = std::make_shared<const media::TrackConfig>(
    media::TrackConfig{.codec = media::Codec::aac, .timescale = 1000, .sample_rate = 1000});
const auto opus_config = std::make_shared<const media::TrackConfig>(
    media::TrackConfig{.codec = media::Codec::opus, .timescale = 48'000, .sample_rate = 48'000});

/// One worker with what a conversation needs.
struct Desk {
    Desk(VirtualExecutor& its_executor, Directory& directory)
        : executor{its_executor}, sessions{its_executor}, mirrors{directory, sessions} {}
    VirtualExecutor& executor;
    Sessions sessions;
    Mirrors mirrors;
};

struct World {
    World() : desk_a{time.add_executor(), directory}, desk_b{time.add_executor(), directory} {}
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
    Directory directory{Stream::Settings{}, random};
    Desk desk_a;
    Desk desk_b;
};

class Publisher final : public Sessions::Entry {
public:
    Publisher(World& world, Desk& desk, std::string name = "live/cam")
        : Entry{desk.sessions,
                {.kind = SessionKind::publisher, .protocol = "toy", .stream = std::move(name)}},
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
    void audio(std::int64_t ms) {
        send({.track = 1, .config = audio_config, .dts = ms, .pts = ms, .key = true});
    }
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
    void on_ask(Ask /*ask*/) override { ++asks; }
    void on_taken(std::size_t bytes) override { publication->taken(bytes); }
    SessionReport report() const override { return {id(), facts(), 0, 0, 0}; }

    std::optional<Publication> publication;
    std::optional<Error> refused;
    std::optional<Error> ended_by;
    int asks = 0;

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

TEST(Stream, a_viewer_on_another_worker_reads_what_was_published_from_the_last_key_frame) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    publisher.video(40);
    publisher.video(80, true);
    publisher.video(120);
    Viewer here{world, world.desk_a};
    Viewer there{world, world.desk_b};
    EXPECT_EQ(here.read(), "v 80\nv 120\n");
    EXPECT_EQ(there.read(), "v 80\nv 120\n");
    EXPECT_EQ(as_text(there.joined->lead), "lead\n");
    publisher.video(160);
    EXPECT_EQ(there.read(), "v 160\n");
    EXPECT_EQ(as_text(there.joined->log->newest_entrance()->resume), "resume 1\n");
}

TEST(Stream, what_comes_in_one_read_with_the_next_key_frame_is_not_lost) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    viewer.read();
    publisher.burst({40, 80, 120, 160});
    EXPECT_EQ(viewer.read(), "v 40\nv 80\nv 120\nv 160\n");
}

TEST(Stream, those_who_watch_go_on_when_the_group_outgrows_the_cache) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    viewer.read();
    for (std::int64_t second = 1; second < 30; ++second) {
        world.time.run_for(1s);
        publisher.video(second * 1000);
        EXPECT_EQ(viewer.read(), "v " + std::to_string(second * 1000) + "\n");
    }
}

TEST(Stream, nobody_publishes_nothing_to_play) {
    World world;
    Viewer viewer{world, world.desk_b};
    ASSERT_TRUE(viewer.refused);
    EXPECT_EQ(viewer.refused->code, Errc::not_found);
    EXPECT_EQ(world.desk_b.mirrors.size(), 0U);
}

TEST(Stream, viewers_wait_until_announced_tracks_are_configured_or_a_second) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.announce(0, media::Kind::video);
    publisher.announce(1, media::Kind::audio);
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    EXPECT_FALSE(viewer.joined);
    world.time.run_for(999ms);
    EXPECT_FALSE(viewer.joined);
    world.time.run_for(2ms);
    ASSERT_TRUE(viewer.joined);
    EXPECT_EQ(viewer.read(), "v 0\n");
    publisher.audio(1100);
    EXPECT_EQ(viewer.read(), "tracks 2\na 1100\n") << "a late track opens a new period";
}

TEST(Stream, viewers_who_gave_up_waiting_for_tracks_are_not_kept) {
    World world;
    Publisher publisher{world, world.desk_a};
    for (int i = 0; i < 10'000; ++i) {
        Answer<Joined> answer{world.desk_b.executor};
        world.desk_b.executor.run([&] {
            world.desk_b.mirrors.join(flavour<LineMuxer>({.form = "line", .only = {}}),
                                      {.stream = "live/cam"}, answer.reply());
        });
        EXPECT_LE(world.desk_b.mirrors.waiting(), 8U);
    }
    world.time.settle();
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    EXPECT_TRUE(viewer.joined);
}

TEST(Stream, a_changed_configuration_is_said_before_its_first_unit) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    Viewer viewer{world, world.desk_a};
    viewer.read();
    const auto larger = std::make_shared<const media::TrackConfig>(media::TrackConfig{.width = 1920});
    publisher.video(40, true, larger);
    EXPECT_EQ(viewer.read(), "tracks 1\nv 40\n");
}

TEST(Stream, a_form_that_carries_none_of_the_tracks_refuses) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.announce(0, media::Kind::audio, opus_config);
    media::AccessUnit unit{.track = 0, .config = opus_config, .key = true};
    world.desk_a.executor.run([&] {
        publisher.publication->write(unit);
        publisher.publication->flush();
    });
    Viewer viewer{world, world.desk_b};
    ASSERT_TRUE(viewer.refused);
    EXPECT_EQ(viewer.refused->code, Errc::unsupported);
}

TEST(Stream, case_9_pictures_before_the_first_key_frame_are_dropped_and_counted) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0);
    publisher.video(40);
    publisher.video(80, true);
    EXPECT_EQ(world.reports().at(0).units_dropped, 2U);
    EXPECT_EQ(world.reports().at(0).units_in, 1U);
}

TEST(Stream, case_91_a_second_live_publisher_is_refused) {
    World world;
    Publisher first{world, world.desk_a};
    first.video(0, true);
    Publisher second{world, world.desk_b};
    EXPECT_FALSE(second.publication);
    world.time.run_for(40ms);
    first.video(40);
    ASSERT_TRUE(second.refused);
    EXPECT_EQ(second.refused->code, Errc::exists);
    EXPECT_FALSE(first.ended_by);
}

TEST(Stream, case_91_a_dead_publisher_is_replaced_within_five_seconds_and_viewers_go_on) {
    World world;
    Publisher first{world, world.desk_a};
    first.video(0, true);
    Viewer viewer{world, world.desk_b};
    viewer.read();
    Publisher second{world, world.desk_b};
    world.time.run_for(2900ms);
    EXPECT_FALSE(second.publication);
    world.time.run_for(200ms);
    ASSERT_TRUE(second.publication);
    EXPECT_TRUE(first.ended_by);
    second.video(70'000, true);
    EXPECT_EQ(viewer.read(), "v 3100 jump\n");
    first.video(40);
    EXPECT_EQ(viewer.read(), "") << "no frame of the replaced one comes through";
}

TEST(Stream, f19_of_many_publishers_at_once_exactly_one_is_accepted) {
    World world;
    std::deque<Publisher> all;
    for (int i = 0; i < 50; ++i) {
        all.emplace_back(world, i % 2 == 0 ? world.desk_a : world.desk_b);
    }
    all.front().video(0, true);
    world.time.run_for(100ms);
    all.front().video(100);
    world.time.settle();
    EXPECT_EQ(std::ranges::count_if(all, [](const auto& one) { return one.publication.has_value(); }), 1);
    EXPECT_EQ(std::ranges::count_if(all, [](const auto& one) { return one.refused.has_value(); }), 49);
}

TEST(Stream, a_lost_publisher_back_within_grace_goes_on_in_the_same_run) {
    World world;
    {
        Publisher first{world, world.desk_a};
        first.video(5000, true);
    }
    Viewer viewer{world, world.desk_b};
    EXPECT_EQ(viewer.read(), "v 5000\n");
    const std::string run = world.reports().at(0).run;
    EXPECT_EQ(world.reports().at(0).state, StreamState::stale);
    world.time.run_for(9s);
    Publisher second{world, world.desk_b};
    ASSERT_TRUE(second.publication);
    second.video(0, true);
    EXPECT_EQ(viewer.read(), "v 14000 jump\n");
    EXPECT_EQ(world.reports().at(0).run, run);
    EXPECT_EQ(world.reports().at(0).state, StreamState::live);
}

TEST(Stream, after_grace_viewers_get_a_proper_end_and_the_name_is_free) {
    World world;
    {
        Publisher first{world, world.desk_a};
        first.video(0, true);
    }
    Viewer viewer{world, world.desk_b};
    viewer.read();
    world.time.run_for(10'100ms);
    EXPECT_EQ(viewer.read(), "end\n");
    EXPECT_TRUE(viewer.joined->log->ended());
    EXPECT_TRUE(world.reports().empty());
    Publisher next{world, world.desk_b};
    EXPECT_TRUE(next.publication);
}

TEST(Stream, a_publisher_that_returns_with_sound_alone_has_entrances_and_no_pictures_for_viewers) {
    World world;
    {
        Publisher first{world, world.desk_a};
        first.video(0, true);
        first.audio(0);
    }
    Viewer old_viewer{world, world.desk_b};
    EXPECT_EQ(old_viewer.read(), "v 0\na 0\n");
    world.time.run_for(1s);
    Publisher second{world, world.desk_b};
    second.announce(1, media::Kind::audio, audio_config);
    second.audio(0);
    EXPECT_EQ(old_viewer.read(), "tracks 1\na 1000 jump\n");
    world.time.run_for(20ms);
    second.audio(20);
    Viewer new_viewer{world, world.desk_a};
    EXPECT_EQ(new_viewer.read(), "a 1020\n") << "each sound is an entrance now";
}

TEST(Stream, viewers_that_wait_for_its_tracks_are_refused_when_the_publisher_says_that_it_ends) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.announce(1, media::Kind::audio);
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    EXPECT_FALSE(viewer.joined || viewer.refused);
    world.desk_a.executor.run([&] { publisher.publication->finish(); });
    world.time.settle();
    ASSERT_TRUE(viewer.refused);
    EXPECT_EQ(viewer.refused->code, Errc::not_found);
    EXPECT_EQ(world.desk_b.mirrors.size(), 0U);
}

Task<> wait_a_second(Desk& desk, int& in_time, int& refused) {
    Answer<Joined> answer{desk.executor};
    desk.mirrors.join(flavour<LineMuxer>({.form = "line", .only = {}}), {.stream = "live/cam"},
                      answer.reply());
    const Result<Joined> joined = co_await answer.within(desk.executor.now() + 1s);
    in_time += joined ? 1 : 0;
    refused += !joined && joined.error().code == Errc::exhausted ? 1 : 0;
}

TEST(Stream, those_who_wait_for_the_first_media_are_counted_and_those_who_gave_up_are_forgotten) {
    World world;
    Publisher publisher{world, world.desk_a};
    int joined = 0;
    int refused = 0;
    for (std::size_t i = 0; i < 3 * Mirrors::waiting_max; ++i) {
        world.desk_b.executor.run(
            [&] { world.desk_b.executor.tasks().spawn(wait_a_second(world.desk_b, joined, refused)); });
        if (i == Mirrors::waiting_max + 1 || i == 2 * Mirrors::waiting_max) {
            world.time.run_for(1s);
        }
    }
    EXPECT_EQ(refused, 2);
    publisher.video(0, true);
    EXPECT_EQ(joined, static_cast<int>(Mirrors::waiting_max) - 1);
    world.time.run_for(1s);
    EXPECT_EQ(world.desk_b.mirrors.size(), 0U);
    EXPECT_EQ(world.desk_b.sessions.size(), 0U);
}

/// At the very moment the stream retires, behind its alarm.
Task<> publish_at(World& world, Instant at, std::optional<Result<Grant>>& granted) {
    Desk& desk = world.desk_a;
    co_await sleep_until(desk.executor, at);
    Answer<Grant> answer{desk.executor};
    world.directory.publish({.kind = SessionKind::publisher, .protocol = "toy", .stream = "live/cam"},
                            {&desk.executor, &desk.sessions, 0}, answer.reply());
    granted = co_await answer.within(Instant::never());
}
Task<> join_at(World& world, Instant at, std::optional<Errc>& refused) {
    Desk& desk = world.desk_a;
    co_await sleep_until(desk.executor, at);
    Answer<Joined> answer{desk.executor};
    desk.mirrors.join(flavour<LineMuxer>({.form = "line", .only = {}}), {.stream = "live/cam"},
                      answer.reply());
    const Result<Joined> joined = co_await answer.within(Instant::never());
    refused = joined ? Errc::io : joined.error().code;
}

TEST(Stream, who_comes_in_the_moment_it_retires_finds_it_gone) {
    {
        World world;
        {
            Publisher{world, world.desk_a}.video(0, true);
        }
        world.time.settle();
        std::optional<Result<Grant>> granted;
        world.desk_a.executor.tasks().spawn(publish_at(world, Instant{} + 10s, granted));
        world.time.run_for(10s);
        ASSERT_TRUE(granted && *granted);
        EXPECT_EQ(world.reports().size(), 1U) << "the stream that was granted is there";
    }
    World world;
    {
        Publisher{world, world.desk_a}.video(0, true);
    }
    world.time.settle();
    std::optional<Errc> refused;
    world.desk_a.executor.tasks().spawn(join_at(world, Instant{} + 10s, refused));
    world.time.run_for(10s);
    EXPECT_EQ(refused, Errc::not_found);
    EXPECT_EQ(world.desk_a.mirrors.size(), 0U);
}

TEST(Stream, a_publisher_that_says_it_ends_is_told_in_band_at_once_and_the_stream_is_offline) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    viewer.read();
    world.desk_a.executor.run([&] { publisher.publication->finish(); });
    world.time.settle();
    EXPECT_EQ(viewer.read(), "unpublished\n");
    EXPECT_EQ(world.reports().at(0).state, StreamState::offline);
    Viewer late{world, world.desk_b};
    EXPECT_TRUE(late.refused);
}

TEST(Stream, a_silent_publisher_makes_the_stream_stale_and_media_makes_it_live_again) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    EXPECT_EQ(world.reports().at(0).state, StreamState::live);
    world.time.run_for(2100ms);
    EXPECT_EQ(world.reports().at(0).state, StreamState::stale);
    publisher.video(2100);
    EXPECT_EQ(world.reports().at(0).state, StreamState::live);
}

TEST(Stream, mirrors_go_after_their_last_viewer_and_come_back) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    {
        Viewer one{world, world.desk_b};
        Viewer two{world, world.desk_b};
        EXPECT_EQ(world.desk_b.mirrors.size(), 1U);
        EXPECT_EQ(one.joined->log, two.joined->log) << "viewers of a worker share one view";
    }
    world.time.settle();
    EXPECT_EQ(world.desk_b.mirrors.size(), 0U);
    Viewer again{world, world.desk_b};
    EXPECT_EQ(again.read(), "v 0\n");
}

TEST(Stream, key_frames_are_asked_for_at_most_once_a_second) {
    World world;
    Publisher publisher{world, world.desk_a};
    for (int i = 0; i < 30; ++i) {
        world.directory.ask("live/cam", AskKeyFrame{});
        world.time.run_for(100ms);
    }
    EXPECT_EQ(publisher.asks, 3);
}

}   // namespace
}   // namespace millrace::hub
