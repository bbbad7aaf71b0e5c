#include "hub/events.hpp"
#include "hub/stream_for_tests.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::hub {
namespace {

using namespace toys;

/// Everything that a world told, as texts of JSON.
class Ear {
public:
    Ear(World& world, Events& events) : world_{world}, events_{events}, reader_{events.new_reader()} {
        world.desk_a.executor.tasks().spawn(listen(*this));
        world.time.settle();
    }
    std::vector<std::string> all() {
        world_.time.settle();
        return std::exchange(heard_, {});
    }
    /// How many of all() hold these words.
    long count(std::string_view words) {
        const std::vector<std::string> heard = all();
        return std::ranges::count_if(heard, [&](const std::string& one) { return one.contains(words); });
    }

private:
    static Task<> listen(Ear& self) {
        EventWish wish;
        for (;;) {
            Answer<EventBatch> answer{self.world_.desk_a.executor};
            self.events_.read(self.reader_, wish, answer.reply());
            const Result<EventBatch> batch = co_await answer.within(Instant::never());
            if (!batch) {
                co_return;
            }
            for (const EventRef& event : batch->events) {
                self.heard_.push_back(event->json);
            }
            wish.after = batch->after;
        }
    }
    World& world_;
    Events& events_;
    std::uint64_t reader_;
    std::vector<std::string> heard_;
};

struct Listened {
    Listened() {
        world.directory.tell_to(events);
        world.directory.introduce(world.desk_a.sessions);
        world.directory.introduce(world.desk_b.sessions);
    }
    Listened(const Listened&) = delete;
    Listened& operator=(const Listened&) = delete;
    ~Listened() { world.time.stop(); }   // what is told on the way out still finds the events

    World world;
    Events events{world.time.add_executor()};
    Ear ear{world, events};
};

/// A picture each 40 ms and a key frame each `gop` of them.
void run(World& world, Publisher& publisher, int pictures, int gop) {
    for (int i = 0; i < pictures; ++i) {
        publisher.video(i * 40, i % gop == 0);
        world.time.run_for(40ms);
    }
}

TEST(StreamEvents, tells_of_its_states_and_its_publisher) {
    Listened listened;
    {
        Publisher publisher{listened.world, listened.world.desk_a};
        EXPECT_EQ(listened.ear.count(R"("state":"waiting")"), 1);
        publisher.video(0, true);
        EXPECT_EQ(listened.ear.count(R"("state":"live")"), 1);
        listened.world.time.run_for(5s);
        EXPECT_EQ(listened.ear.count(R"("state":"stale")"), 1);
        publisher.video(5000, true);
        EXPECT_EQ(listened.ear.count(R"("state":"live")"), 1);
        publisher.publication->finish();
        const std::vector<std::string> told = listened.ear.all();
        ASSERT_EQ(told.size(), 3U);
        EXPECT_TRUE(told[0].contains(R"("kind":"publisher","stream":"live/cam")")) << told[0];
        EXPECT_TRUE(told[0].contains(R"("what":"left")")) << told[0];
        EXPECT_TRUE(told[1].contains(R"("what":"ends","code":"silent")")) << told[1];
        EXPECT_TRUE(told[2].contains(R"("state":"offline")")) << told[2];
    }
    listened.world.time.run_for(11s);
    EXPECT_EQ(listened.ear.count(R"("state":"gone")"), 1);
}

TEST(StreamEvents, tells_of_viewers_who_come_and_go) {
    Listened listened;
    Publisher publisher{listened.world, listened.world.desk_a};
    publisher.video(0, true);
    {
        Viewer viewer{listened.world, listened.world.desk_b};
        EXPECT_EQ(listened.ear.count(R"("what":"joined","protocol":"")"), 1);
        listened.world.desk_b.executor.run(
            [&] { viewer.joined->seat->leave({Errc::closed, "the peer closed"}); });
        EXPECT_EQ(listened.ear.count("left: the peer closed"), 1);
    }
}

TEST(StreamEvents, a_viewer_that_was_sent_away_left_for_that_reason) {
    Listened listened;
    Publisher publisher{listened.world, listened.world.desk_a};
    publisher.video(0, true);
    Viewer viewer{listened.world, listened.world.desk_b};
    listened.world.desk_b.executor.run([&] {
        viewer.joined->seat->end({Errc::cancelled, "an administrator ended it"});
        viewer.joined->seat->leave({Errc::cancelled, "closed"});
    });
    EXPECT_EQ(listened.ear.count("left: an administrator ended it"), 1);
}

TEST(StreamHealth, a_verdict_is_told_when_it_begins_and_when_it_ends) {
    Listened listened;
    World& world = listened.world;
    Publisher publisher{world, world.desk_a};
    run(world, publisher, 25 * 13, 1000);
    EXPECT_EQ(listened.ear.count(R"("what":"begins","code":"no_key_frame")"), 1);
    ASSERT_EQ(world.reports().at(0).verdicts.size(), 2U);
    EXPECT_EQ(world.reports().at(0).verdicts[0].code, "no_key_frame");
    publisher.video(25 * 13 * 40, true);
    world.time.run_for(1s);
    EXPECT_EQ(listened.ear.count(R"("what":"ends","code":"no_key_frame")"), 1);
    publisher.publication->finish();
    world.time.run_for(1s);
    EXPECT_TRUE(world.reports().at(0).verdicts.empty());
}

TEST(StreamHealth, the_longest_of_the_last_groups_counts) {
    World world;
    Publisher publisher{world, world.desk_a};
    run(world, publisher, 251, 125);
    const std::vector<Verdict> verdicts = world.reports().at(0).verdicts;
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].code, "key_frames_far");
    EXPECT_TRUE(verdicts[0].text.contains("every 5 s")) << verdicts[0].text;
}

TEST(StreamHealth, pictures_that_wait_for_others_are_found) {
    World world;
    Publisher publisher{world, world.desk_a};
    for (int i = 0; i < 60; ++i) {
        const int wait = i % 3 == 0 ? 120 : 40;
        publisher.unit({.track = 0,
                        .config = video_config,
                        .dts = i * 40 * 90,
                        .pts = (i * 40 + wait) * 90,
                        .key = i % 25 == 0});
        world.time.run_for(40ms);
    }
    const std::vector<Verdict> verdicts = world.reports().at(0).verdicts;
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].code, "b_frames");
    EXPECT_TRUE(verdicts[0].text.contains("80 ms")) << verdicts[0].text;
}

TEST(StreamHealth, a_publisher_whose_clock_runs_slow_is_told_so) {
    World world;
    Publisher publisher{world, world.desk_a};
    for (int i = 0; i < 25 * 80; ++i) {
        publisher.video(i * 40, i % 25 == 0);
        world.time.run_for(40ms + 80us);   // 120 ms a minute
    }
    const std::vector<Verdict> verdicts = world.reports().at(0).verdicts;
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_TRUE(verdicts[0].text.contains("runs slow by about 100 ms in a minute")) << verdicts[0].text;
}

TEST(StreamHealth, a_track_that_a_form_leaves_out_is_named) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    publisher.audio(0, opus_config);
    Viewer viewer{world, world.desk_b};
    world.time.run_for(1s);
    const std::vector<Verdict> verdicts = world.reports().at(0).verdicts;
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_TRUE(verdicts[0].text.contains("The form line cannot carry Opus")) << verdicts[0].text;
}

TEST(StreamHealth, what_comes_before_the_first_key_frame_is_dropped_but_no_loss) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0);
    publisher.video(40);
    publisher.video(80, true);
    world.time.run_for(1s);
    const StreamReport report = world.reports().at(0);
    EXPECT_EQ(report.units_dropped, 2U);
    EXPECT_EQ(report.units_unusable, 0U);
    EXPECT_TRUE(report.verdicts.empty());
}

TEST(StreamHealth, latency_counts_from_capture_to_each_form) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    const auto send = [&](std::int64_t ms, Duration age) {
        const WallTime captured{world.time.utc().microseconds - age / 1us};
        publisher.unit({.track = 0,
                        .config = video_config,
                        .dts = ms * 90,
                        .pts = ms * 90,
                        .capture = {captured, media::CaptureTime::Label::capture}});
    };
    for (int i = 1; i <= 10; ++i) {
        world.time.run_for(40ms);
        send(i * 40, 150ms);
    }
    const StreamReport report = world.reports().at(0);
    EXPECT_EQ(report.capture_origin, media::CaptureTime::Label::capture);
    EXPECT_EQ(report.arrival_latency.count, 10U);
    EXPECT_NEAR(report.arrival_latency.p50_seconds, 0.15, 0.02);
    ASSERT_EQ(report.outputs.size(), 1U);
    // The group before the viewer came is no latency of this form.
    EXPECT_EQ(report.outputs[0].latency.count, 10U);
    EXPECT_NEAR(report.outputs[0].latency.p95_seconds, 0.15, 0.02);
}

TEST(StreamHealth, the_origin_of_capture_times_is_that_of_the_pictures) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.announce(0, media::Kind::video, video_config);
    publisher.announce(1, media::Kind::audio, audio_config);
    for (std::int64_t ms = 0; ms < 400; ms += 40) {
        publisher.unit({.track = 0,
                        .config = video_config,
                        .dts = ms * 90,
                        .pts = ms * 90,
                        .key = ms == 0,
                        .capture = {world.time.utc(), media::CaptureTime::Label::capture}});
        publisher.audio(ms);
        world.time.run_for(40ms);
    }
    const StreamReport report = world.reports().at(0);
    EXPECT_EQ(report.capture_origin, media::CaptureTime::Label::capture);
    EXPECT_EQ(report.arrival_latency.count, 10U);
}

TEST(StreamHealth, where_only_arrival_is_known_nothing_is_said_of_the_way_here) {
    World world;
    Publisher publisher{world, world.desk_a};
    Viewer viewer{world, world.desk_b};
    run(world, publisher, 50, 25);
    const StreamReport report = world.reports().at(0);
    EXPECT_EQ(report.capture_origin, media::CaptureTime::Label::arrival);
    EXPECT_EQ(report.arrival_latency.count, 0U);
}

}   // namespace
}   // namespace millrace::hub
