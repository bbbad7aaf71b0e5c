#include "hub/stream.hpp"

#include "base/waiting.hpp"
#include "hub/stream_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

using namespace toys;

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

TEST(Stream, case_91_an_equal_credential_takes_over_where_that_is_allowed) {
    const Identity cam{"user cam", 7};
    const struct {
        const char* name;
        bool allowed;
        Identity first;
        Identity second;
        bool taken;
    } cases[] = {
        {"the same user", true, cam, cam, true},
        {"not allowed", false, cam, cam, false},
        {"after a change of password", true, cam, {"user cam", 8}, false},
        {"another user", true, cam, {"user other", 7}, false},
        {"nobody in particular", true, {"anyone", 0}, {"anyone", 0}, false},
    };
    for (const auto& [name, allowed, one, other, taken] : cases) {
        World world{{.takeover = allowed}};
        Publisher first{world, world.desk_a, "live/cam", one};
        first.video(0, true);
        Viewer viewer{world, world.desk_b};
        viewer.read();
        Publisher second{world, world.desk_b, "live/cam", other};
        EXPECT_EQ(second.publication.has_value(), taken) << name;
        EXPECT_EQ(first.ended_by.has_value(), taken) << name;
        if (taken) {
            world.time.run_for(40ms);
            second.video(70'000, true);
            EXPECT_NE(viewer.read().find("jump"), std::string::npos)
                << "viewers go on, with one discontinuity";
            first.video(40);
            EXPECT_EQ(viewer.read(), "") << "no frame of the replaced one comes through";
        }
    }
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

TEST(Stream, a_publisher_that_is_lost_is_told_in_band_at_once_and_viewers_stay_for_the_next) {
    World world;
    std::optional<Publisher> publisher{std::in_place, world, world.desk_a};
    publisher->video(0, true);
    Viewer viewer{world, world.desk_b};
    viewer.read();
    publisher.reset();
    world.time.settle();
    EXPECT_EQ(viewer.read(), "lost\n");
    EXPECT_EQ(world.reports().at(0).state, StreamState::stale);
    Publisher next{world, world.desk_a};
    next.video(0, true);
    EXPECT_EQ(viewer.read().substr(0, 2), "v ");
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
TEST(Stream, case_91_a_newcomer_takes_over_at_once_with_the_same_credential_where_that_is_allowed) {
    World world;
    const auto by_name = [](const StreamName& name) {
        return Stream::Settings{.takeover = name.text() == "live/cam"};
    };
    world.directory.use(std::make_shared<const SettingsByName>(by_name));
    const Identity cam{.name = "user cam", .credential = 7};
    Publisher first{world, world.desk_a, "live/cam", cam};
    first.video(0, true);
    Viewer viewer{world, world.desk_b};
    const Publisher stranger{world, world.desk_b, "live/cam", {.name = "user door", .credential = 8}};
    Publisher second{world, world.desk_b, "live/cam", cam};
    EXPECT_TRUE(first.ended_by && second.publication && !stranger.publication);
    world.time.run_for(40ms);
    second.video(0, true);
    EXPECT_TRUE(stranger.refused);
    EXPECT_EQ(world.reports().at(0).units_in, 2U);

    Publisher other{world, world.desk_a, "live/yard", cam};
    other.video(0, true);
    const Publisher late{world, world.desk_b, "live/yard", cam};
    world.time.run_for(40ms);
    other.video(40);
    EXPECT_TRUE(late.refused && !other.ended_by);
}

}   // namespace millrace::hub
