#include "hub/segments_for_tests.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace millrace::hub {
namespace {

using namespace toys;

/// A publisher at 25 pictures a second, in step with the world's clock.
class Camera {
public:
    Camera(World& world, std::int64_t gop_ms = 2000) : world_{world}, gop_ms_{gop_ms} { connect(); }

    void connect() {
        publisher.emplace(world_, world_.desk_a);
        at_ = 0;
        video_config = std::make_shared<const media::TrackConfig>(media::TrackConfig{.timescale = 90'000});
        audio_config = std::make_shared<const media::TrackConfig>(
            media::TrackConfig{.codec = media::Codec::aac, .timescale = 1000, .sample_rate = 1000});
    }
    void run(std::int64_t ms) {
        for (const std::int64_t until = at_ + ms; at_ < until; at_ += 40) {
            publisher->video(at_, at_ % gop_ms_ == 0, video_config);
            if (with_audio) {
                publisher->audio(at_, audio_config);
            }
            world_.time.run_for(40ms);
        }
    }
    /// It says its end.
    void finish() {
        world_.desk_a.executor.run([this] { publisher->publication->finish(); });
        lose();
    }
    /// The connection breaks.
    void lose() {
        world_.desk_a.executor.run([this] { publisher->publication.reset(); });
        world_.time.settle();
        publisher.reset();
    }

    std::optional<Publisher> publisher;
    media::ConfigRef video_config;
    media::ConfigRef audio_config;
    bool with_audio = false;

private:
    World& world_;
    std::int64_t gop_ms_;
    std::int64_t at_ = 0;
};

constexpr std::uint64_t first_second = 1'800'000'000;   // of the virtual world

std::string text(const std::optional<Result<SegmentListRef>>& list) {
    if (!list) {
        return "waits";
    }
    return *list ? summary(***list, first_second) : std::string{(*list).error().what};
}

TEST(Stream, a_list_request_waits_for_the_segment_under_way_and_then_all_get_the_list) {
    World world;
    Camera camera{world};
    camera.run(5000);
    Player here{world, world.desk_a};
    Player there{world, world.desk_b, "another"};
    EXPECT_EQ(text(here.list()), "waits");
    EXPECT_EQ(text(there.list()), "waits");
    camera.run(1000);
    EXPECT_EQ(text(here.answered()), "waits");
    camera.run(40);
    EXPECT_EQ(text(here.answered()), "1: 2.000 | 2: 2.000") << "from the cut before the last on";
    EXPECT_EQ(text(there.answered()), "1: 2.000 | 2: 2.000");
    camera.run(4000);
    EXPECT_EQ(text(there.list()), "1: 2.000 | 2: 2.000 | 3: 2.000 | 4: 2.000");
    const SegmentListRef list = **here.list();
    EXPECT_EQ(list->target_duration, 2);
    EXPECT_TRUE(list->independent);
    EXPECT_EQ(list->tracks.size(), 1U);
    EXPECT_NEAR(list->frame_rate, 25, 1e-9);
    const media::SegmentPart& part = list->segments[0]->parts[0];
    EXPECT_EQ(part.name, world.reports().at(0).run + "/v0-180000");
    EXPECT_EQ(as_text(there.fetch(part.name)->bytes).substr(0, 14), "2000 2040 2080");
    EXPECT_EQ(as_text(there.fetch(part.init_name)->bytes), "init v0");
    EXPECT_GE(list->rates.at("v0").peak_bps, list->rates.at("v0").average_bps);
    EXPECT_EQ(there.fetch("run/else").error().code, Errc::not_found);
}

TEST(Stream, a_list_request_without_a_first_segment_is_answered_in_time) {
    World world;
    Publisher publisher{world, world.desk_a};
    Player player{world, world.desk_b};
    EXPECT_EQ(text(player.list()), "waits");
    world.time.run_for(9s);
    EXPECT_EQ(text(player.answered()), "waits");
    world.time.run_for(1s);
    ASSERT_TRUE(player.answered());
    EXPECT_EQ(player.answered()->error().code, Errc::timed_out);
    EXPECT_EQ(player.list("live/other")->error().code, Errc::not_found);
}

TEST(Stream, row_1_14_the_window_slides_and_media_sequence_grows_by_what_left) {
    World world{{.segment = 2s, .window = 3}};
    Camera camera{world};
    Player player{world, world.desk_b};
    player.list();
    camera.run(9000);
    EXPECT_EQ(text(player.list()), "1: 2.000 | 2: 2.000 | 3: 2.000");
    const std::string old = (**player.list())->segments[0]->parts[0].name;
    camera.run(2000);
    EXPECT_EQ(text(player.list()), "2: 2.000 | 3: 2.000 | 4: 2.000");
    EXPECT_TRUE(player.fetch(old));
    camera.run(10'000);
    EXPECT_FALSE(player.fetch(old)) << "its duration and the list's are over";
}

TEST(Stream, nobody_asks_nothing_is_packaged_and_thirty_seconds_after_the_last_request_it_stops) {
    World world;
    Camera camera{world};
    camera.run(10'000);
    EXPECT_TRUE(world.reports().at(0).outputs.empty());
    int packaged = 0;
    Player player{world, world.desk_b, "somebody", &packaged};
    player.list();
    camera.run(10'000);
    EXPECT_EQ(packaged, 6) << "from the cut at 6 s on";
    ASSERT_EQ(world.reports().at(0).outputs.size(), 1U);
    EXPECT_EQ(world.reports().at(0).outputs[0].form, "lines");
    EXPECT_EQ(world.reports().at(0).outputs[0].segments, 6U);
    EXPECT_EQ(world.reports().at(0).outputs[0].units_muxed, 300U);
    EXPECT_GT(world.reports().at(0).outputs[0].memory, 0U);
    camera.run(20'040);
    const int until_now = packaged;
    EXPECT_TRUE(world.reports().at(0).outputs.empty());
    camera.run(20'000);
    EXPECT_EQ(packaged, until_now);
    player.list();
    camera.run(2000);
    EXPECT_EQ(text(player.answered()), "29: 2.000 | 30: 2.000") << "with the right numbers";
}

TEST(Stream, always_packaged_goes_on_without_requests) {
    World world{{.always_packaged = true}};
    Camera camera{world};
    int packaged = 0;
    Player player{world, world.desk_b, "somebody", &packaged};
    player.list();
    camera.run(100'000);
    EXPECT_EQ(packaged, 49);
    EXPECT_EQ((**player.list())->segments.size(), 10U);
}

TEST(Stream, row_0_22_a_list_ends_one_target_duration_after_grace_and_lingers_for_its_readers) {
    World world;
    Camera camera{world};
    Player player{world, world.desk_b};
    player.list();
    camera.run(5000);
    camera.lose();
    world.time.run_for(10s);
    EXPECT_EQ(text(player.list()), "0: 2.000 | 1: 2.000") << "row 1.36: it just does not grow";
    EXPECT_TRUE(world.reports().empty()) << "over for everybody else";
    EXPECT_TRUE(Viewer(world, world.desk_b).refused);
    world.time.run_for(2s);
    EXPECT_EQ(text(player.list()), "0: 2.000 | 1: 2.000 | 2: 1.000 end");
    world.time.run_for(29s);
    EXPECT_EQ(text(player.list()), "0: 2.000 | 1: 2.000 | 2: 1.000 end");
    EXPECT_TRUE(player.fetch((**player.list())->segments[0]->parts[0].name));
    world.time.run_for(30s);
    EXPECT_EQ(player.list()->error().code, Errc::not_found);
}

TEST(Stream, row_4_13_a_publishers_end_lists_its_last_segment_at_once_and_says_so) {
    World world;
    Camera camera{world};
    camera.with_audio = true;
    Player player{world, world.desk_b};
    player.list();
    camera.run(5000);
    camera.finish();
    EXPECT_EQ(text(player.list()), "0: 2.000 | 1: 2.000 | 2: 1.000");
    const SegmentListRef at_end = **player.list();
    EXPECT_TRUE(at_end->segments[2]->unpublished);
    EXPECT_FALSE(at_end->segments[1]->unpublished);
    EXPECT_TRUE(player.fetch(at_end->segments[2]->parts[0].name));
    world.time.run_for(3s);
    camera.connect();
    camera.run(4040);
    EXPECT_EQ(text(player.list()), "0: 2.000 | 1: 2.000 | 2: 1.000 | -3: 2.000 | 4: 2.000");
    const SegmentListRef after = **player.list();
    EXPECT_TRUE(after->segments[2]->unpublished) << "what was said of it stays";
    EXPECT_FALSE(after->segments[4]->unpublished);
    camera.lose();
    world.time.run_for(12s);
    EXPECT_FALSE((**player.list())->segments.back()->unpublished) << "it was lost without a word";
}

TEST(Stream, row_0_20_a_publisher_after_the_end_begins_a_new_list_at_the_same_address) {
    World world;
    Camera camera{world};
    Player player{world, world.desk_b};
    player.list();
    camera.run(5000);
    camera.lose();
    world.time.run_for(13s);
    const SegmentListRef before = **player.list();
    EXPECT_TRUE(before->ended);
    const std::string old = before->segments[2]->parts[0].name;
    camera.connect();
    EXPECT_EQ(text(player.list()), "waits");
    camera.run(2040);
    ASSERT_TRUE(player.answered() && *player.answered());
    const SegmentListRef after = **player.answered();
    EXPECT_EQ(summary(*after, first_second), "-18: 2.000") << "it began 18 s after the first";
    EXPECT_GT(after->segments[0]->cut.discontinuity_sequence,
              before->segments.back()->cut.discontinuity_sequence);
    EXPECT_EQ(after->target_duration, 2);
    EXPECT_EQ(after->segments[0]->parts[0].name.find(world.reports().at(0).run), 0U) << "another run";
    EXPECT_TRUE(player.fetch(old));
}

TEST(Stream, row_0_20_f10_a_stream_that_comes_back_after_its_clock_was_set_back_numbers_on) {
    World world;
    // As its archive, or the stream itself, has it of a clock that was an hour ahead.
    world.directory.last_numbers().note("live/cam", first_second + 3'600);
    Camera camera{world};
    Player player{world, world.desk_b};
    player.list();
    camera.run(5000);
    const std::uint64_t first = (**player.answered())->segments[0]->cut.number;
    EXPECT_EQ(first, first_second + 3'600 + Cutter::unknown_numbers);
    EXPECT_EQ(world.directory.last_numbers().of("live/cam"), first + 2);
    EXPECT_FALSE(world.directory.last_numbers().of("live/other"));
}

TEST(Stream, case_F18_a_flapping_publisher_leaves_one_list_with_discontinuities) {
    World world;
    Camera camera{world};
    Player player{world, world.desk_b};
    player.list();
    camera.run(3000);
    for (int i = 0; i < 5; ++i) {
        camera.lose();
        world.time.run_for(3s);
        camera.connect();
        camera.run(2400);
        player.list();
    }
    const SegmentListRef list = **player.list();
    EXPECT_EQ(summary(*list, first_second),
              "1: 1.000 | -2: 2.000 | 3: 0.400 | -4: 2.000 | 5: 0.400 | -6: 2.000 | 7: 0.400 | -8: 2.000 | "
              "9: 0.400 | -10: 2.000");
    for (std::size_t i = 1; i < list->segments.size(); ++i) {
        const media::Cut& before = list->segments[i - 1]->cut;
        const media::Cut& cut = list->segments[i]->cut;
        EXPECT_EQ(cut.number, before.number + 1);
        EXPECT_EQ(cut.discontinuity_sequence, before.discontinuity_sequence + (cut.discontinuity ? 1 : 0));
        EXPECT_LE(std::lround(list->segments[i]->seconds()), list->target_duration);
    }
}

TEST(Stream, case_F20_another_resolution_begins_a_segment_with_its_own_header) {
    World world;
    Camera camera{world};
    Player player{world, world.desk_b};
    player.list();
    camera.run(4000);
    camera.video_config = std::make_shared<const media::TrackConfig>(media::TrackConfig{.width = 1920});
    camera.run(4040);
    const SegmentListRef list = **player.list();
    EXPECT_EQ(summary(*list, first_second), "0: 2.000 | 1: 2.000 | -2: 2.000 | 3: 2.000");
    EXPECT_NE(list->segments[1]->parts[0].init_name, list->segments[2]->parts[0].init_name);
    EXPECT_EQ(list->tracks.at(0).config->width, 1920U);
}

TEST(Stream, row_1_25_durations_do_not_drift_over_an_hour) {
    World world{{.segment = 2s, .window = 2000}};
    Publisher publisher{world, world.desk_a};
    Player player{world, world.desk_b};
    player.list();
    constexpr std::int64_t pictures = 3600 * 30;
    for (std::int64_t i = 0; i <= pictures; ++i) {
        // 29.97 pictures a second in a publisher's whole milliseconds.
        publisher.video(i * 1001 / 30, i % 60 == 0);
        if (i % 30 == 0) {
            world.time.run_until(Instant{} + (i * 1001 / 30) * 1ms);
        }
    }
    const SegmentListRef list = **player.list();
    ASSERT_EQ(list->segments.size(), 1800U);
    double sum = 0;
    for (const SegmentEntryRef& segment : list->segments) {
        sum += segment->seconds();
        EXPECT_LE(std::lround(segment->seconds()), list->target_duration);
    }
    EXPECT_NEAR(sum, pictures * 1001.0 / 30'000, 0.001);
}

TEST(Stream, a_long_group_of_pictures_gets_a_verdict) {
    World world;
    Camera camera{world, 2000};
    camera.run(4000);
    EXPECT_TRUE(world.reports().at(0).verdicts.empty());
    for (int i = 0; i < 100; ++i) {
        camera.publisher->video(4000 + i * 40, i == 0, camera.video_config);
        world.time.run_for(40ms);
    }
    world.time.run_for(Stream::judged_every);
    const std::vector<Verdict> verdicts = world.reports().at(0).verdicts;
    EXPECT_EQ(std::ranges::count(verdicts, "segments_between_pictures", &Verdict::code), 1);
}

TEST(Stream, audio_alone_is_cut_by_time) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.announce(1, media::Kind::audio, audio_config);
    Player player{world, world.desk_b};
    player.list();
    for (std::int64_t ms = 0; ms < 4100; ms += 20) {
        publisher.unit({.track = 1,
                        .config = audio_config,
                        .dts = ms,
                        .pts = ms,
                        .duration = 20,
                        .key = true,
                        .cut = nullptr});
        world.time.run_for(20ms);
    }
    EXPECT_EQ(text(player.list()), "0: 2.000 | 1: 2.000");
}

TEST(Stream, a_form_that_carries_none_of_the_tracks_refuses_its_list) {
    World world;
    Publisher publisher{world, world.desk_a};
    Player player{world, world.desk_b};
    EXPECT_EQ(text(player.list()), "waits");
    publisher.unit({.track = 1, .config = opus_config, .key = true, .cut = nullptr});
    ASSERT_TRUE(player.answered());
    EXPECT_EQ(player.answered()->error().code, Errc::unsupported);
    EXPECT_EQ(player.list()->error().code, Errc::unsupported);
}

TEST(Stream, viewers_who_poll_are_sessions_until_they_are_silent_for_three_target_durations) {
    World world;
    Camera camera{world};
    Player one{world, world.desk_b, "token-1"};
    Player other{world, world.desk_a, "10.0.0.1 agent"};
    one.list();
    camera.run(2040);
    other.list();
    EXPECT_EQ(world.desk_a.sessions.size(), 3U) << "and the publisher; all at the stream's home";
    const std::string name = (**one.list())->segments[0]->parts[0].name;
    const std::size_t size = one.fetch(name)->bytes.size();
    std::uint64_t sent = 0;
    for (const SessionReport& report : world.desk_a.sessions.reports()) {
        if (report.facts.kind == SessionKind::viewer) {
            EXPECT_EQ(report.facts.protocol, "hls");
            EXPECT_EQ(report.facts.stream, "live/cam");
            sent += report.bytes_out;
        }
    }
    EXPECT_EQ(sent, size);
    camera.run(5000);
    one.list();
    camera.run(2000);
    EXPECT_EQ(world.desk_a.sessions.size(), 2U) << "the other was silent for over 6 s";
    camera.run(8000);
    EXPECT_EQ(world.desk_a.sessions.size(), 1U);
}

TEST(Stream, a_viewer_who_polls_and_is_sent_away_is_refused_until_it_has_been_silent) {
    World world;
    Camera camera{world};
    Player player{world, world.desk_b, "token-1"};
    Player other{world, world.desk_b, "token-2"};
    player.list();
    camera.run(2040);
    for (const SessionReport& report : world.desk_a.sessions.reports()) {
        if (report.facts.kind == SessionKind::viewer) {
            world.desk_a.executor.run(
                [&] { world.desk_a.sessions.find(report.id)->end({Errc::cancelled, "kicked"}); });
        }
    }
    EXPECT_EQ(player.list()->error().code, Errc::refused);
    EXPECT_TRUE(*other.list());
    const std::string name = (**other.list())->segments[0]->parts[0].name;
    camera.run(4000);
    EXPECT_EQ(player.fetch(name).error().code, Errc::refused) << "it keeps asking";
    camera.run(8000);
    EXPECT_TRUE(*player.list());
}

TEST(Stream, two_nodes_fed_alike_cut_alike_whenever_they_are_asked) {
    World one;
    World other;
    Camera first{one};
    Camera second{other};
    first.with_audio = second.with_audio = true;
    Player early{one, one.desk_b};
    Player late{other, other.desk_b};
    early.list();
    first.run(4500);
    second.run(4500);
    late.list();
    first.run(6000);
    second.run(6000);
    const SegmentListRef all = **early.list();
    const SegmentListRef some = **late.list();
    ASSERT_EQ(all->segments.size(), 5U);
    ASSERT_EQ(some->segments.size(), 4U);
    for (std::size_t i = 0; i < some->segments.size(); ++i) {
        const SegmentEntry& a = *all->segments[i + 1];
        const SegmentEntry& b = *some->segments[i];
        EXPECT_EQ(a.cut.number, b.cut.number);
        EXPECT_EQ(a.cut.utc, b.cut.utc);
        ASSERT_EQ(a.parts.size(), 2U);
        ASSERT_EQ(b.parts.size(), 2U);
        EXPECT_TRUE(a.parts[0].bytes == b.parts[0].bytes && a.parts[1].bytes == b.parts[1].bytes);
        EXPECT_EQ(a.parts[1].name, b.parts[1].name) << "the run's random bits come from equal seeds here";
    }
}

TEST(Stream, row_0_28_what_is_said_of_pictures_is_in_the_segment_that_has_them) {
    World world;
    Camera camera{world};
    Player player{world, world.desk_a};
    EXPECT_EQ(text(player.list()), "waits");
    for (int ms = 0; ms < 6200; ms += 40) {
        camera.run(40);
        world.directory.say("live/cam", {*media::read_message("{}")}, {});
        world.time.settle();
    }
    const SegmentListRef list = **player.list();
    ASSERT_GE(list->segments.size(), 2U);
    for (std::size_t at = 1; at < list->segments.size(); ++at) {
        std::string times;
        std::string said;
        for (std::int64_t ms = 0; ms < 2000; ms += 40) {
            const std::int64_t time = static_cast<std::int64_t>(at) * 2000 + ms;
            times += (ms == 0 ? "" : " ") + std::to_string(time);
            said += " r" + std::to_string(time);
        }
        EXPECT_EQ(as_text(player.fetch(list->segments[at]->parts[0].name)->bytes), times + said);
    }
}

}   // namespace
}   // namespace millrace::hub
