#include "session/rewind_line.hpp"

#include "container/flv_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

constexpr std::int64_t noon_us = 1'800'000'000'000'000;
constexpr std::int64_t second_us = 1'000'000;

archive::FoundFragment fragment(std::int64_t at_s, std::int64_t media_s, std::string run = "1") {
    archive::FoundFragment one;
    one.run = std::move(run);
    one.fragment.utc = {noon_us + at_s * second_us};
    one.fragment.media_us = media_s * second_us;
    one.fragment.duration_us = 2 * second_us;
    return one;
}

/// A picture so long after the beginning of its run, shown so much later than it is decoded.
media::AccessUnit picture(std::int64_t at_ms, std::int64_t reordered_ms = 0) {
    media::AccessUnit unit = flv::samples::units(flv::samples::track(media::Codec::h264), 0).front();
    unit.dts = at_ms * 90;
    unit.pts = (at_ms + reordered_ms) * 90;
    return unit;
}

Instant at(Duration time) {
    return Instant{} + time;
}

TEST(RewindLine, lets_units_out_at_their_own_pace_with_times_that_are_exact) {
    RewindLine line;
    line.enter(fragment(0, 100));
    line.play({noon_us + 80'000}, rtsp::real_time, at(5s));
    media::AccessUnit one = picture(101'000, 80);
    EXPECT_EQ(line.due(one), at(5s + 920ms)) << "by its decode time";
    EXPECT_EQ(line.shown_at(one).microseconds, noon_us + 1'080'000);
    EXPECT_FALSE(line.place(one, at(5s + 920ms)));
    EXPECT_EQ(one.pts, 90'000);
    EXPECT_EQ(one.dts, 90'000 - 80 * 90);
    EXPECT_EQ(line.report_time(one).microseconds, noon_us + 1'080'000);
}

TEST(RewindLine, goes_on_after_a_pause_as_if_there_had_been_none) {
    RewindLine line;
    line.enter(fragment(0, 0));
    line.play({noon_us}, rtsp::real_time, at(0s));
    media::AccessUnit forward = picture(40, 120);
    line.place(forward, at(40ms));
    media::AccessUnit shown_before = picture(80, 0);
    line.go_on(shown_before, at(60s));
    EXPECT_EQ(line.due(shown_before), at(60s));
    line.place(shown_before, at(60s));
    EXPECT_EQ(forward.pts - shown_before.pts, 80 * 90) << "the order in which they are shown is theirs";
}

TEST(RewindLine, scales_times_and_pace_alike) {
    RewindLine line;
    line.enter(fragment(0, 0));
    line.play({noon_us}, 4 * rtsp::real_time, at(1s));
    media::AccessUnit one = picture(2'000);
    EXPECT_EQ(line.due(one), at(1s + 500ms));
    EXPECT_FALSE(line.place(one, at(1'500ms)));
    EXPECT_EQ(one.pts, 45'000);
    EXPECT_EQ(line.report_time(one).microseconds, noon_us + 500'000)
        << "the players' clock is not the camera's";
    line.play({noon_us + second_us}, rtsp::real_time / 4, at(10s));
    media::AccessUnit slow = picture(2'000);
    EXPECT_EQ(line.due(slow), at(14s));
    line.place(slow, at(14s));
    EXPECT_EQ(slow.pts - line.on_line_us({noon_us + second_us}) * 9 / 100, 4 * 90'000);
    EXPECT_GT(line.on_line_us({noon_us + second_us}), 500'000) << "the line never falls back";
}

TEST(RewindLine, passes_a_gap_at_once_while_times_go_on_by_the_clock_of_capture) {
    RewindLine line;
    line.enter(fragment(0, 0, "1"));
    line.play({noon_us}, rtsp::real_time, at(0s));
    line.enter(fragment(62, 0, "2"));
    media::AccessUnit behind = picture(0);
    EXPECT_EQ(line.due(behind), at(2s));
    line.place(behind, at(2s));
    EXPECT_EQ(behind.pts, 62 * 90'000);
    line.enter(fragment(64, 2, "2"));
    EXPECT_EQ(line.due(picture(2'000)), at(4s)) << "once";
}

TEST(RewindLine, never_falls_back_where_the_clock_on_the_wall_did) {
    RewindLine line;
    line.enter(fragment(100, 0, "1"));
    line.play({noon_us + 100 * second_us}, rtsp::real_time, at(0s));
    line.enter(fragment(40, 0, "2"));
    media::AccessUnit next = picture(0);
    EXPECT_EQ(line.due(next), at(2s));
    line.place(next, at(2s));
    EXPECT_EQ(next.pts, 2 * 90'000);
}

TEST(RewindLine, waits_for_whoever_takes_packets_slowly) {
    RewindLine line;
    line.enter(fragment(0, 0));
    line.play({noon_us}, rtsp::real_time, at(0s));
    media::AccessUnit late = picture(1'000);
    EXPECT_TRUE(line.place(late, at(4s)));
    EXPECT_EQ(late.pts, 90'000) << "its time is what it is";
    EXPECT_EQ(line.due(picture(1'500)), at(4'500ms));
}

}   // namespace
}   // namespace millrace::session
