#include "hub/stream.hpp"

#include "hub/stream_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

using namespace toys;

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

TEST(Stream, row_1_34_what_came_in_was_dropped_and_was_muxed_is_counted_apart_and_exactly) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0);
    for (int i = 0; i < 41; ++i) {
        publisher.video(40 * (i + 1), i % 10 == 0);
        publisher.audio(40 * (i + 1));
        if (i == 30) {
            Viewer viewer{world, world.desk_b};
            EXPECT_EQ(world.reports().at(0).outputs.at(0).units_muxed, 2U) << "from the last key frame on";
        }
    }
    const StreamReport report = world.reports().at(0);
    EXPECT_EQ(report.units_dropped, 1U);
    EXPECT_EQ(report.units_in, 82U);
    EXPECT_EQ(report.tracks.at(0).units, 41U);
    EXPECT_EQ(report.tracks.at(1).units, 41U);
    EXPECT_TRUE(report.outputs.empty()) << "nobody watches now";
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

}   // namespace
}   // namespace millrace::hub
