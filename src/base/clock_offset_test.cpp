#include "base/clock_offset.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

/// An exchange with a clock that is `ahead` of ours, whose question and answer take so long.
struct Way {
    Duration ahead;
    Duration out;
    Duration back;
    Duration thought = 1ms;
};

ClockOffset::Sample exchange(WallTime asked, const Way& way) {
    const auto later = [](WallTime at, Duration by) { return WallTime{at.microseconds + by / 1us}; };
    const WallTime received = later(asked, way.out + way.ahead);
    return {.asked = asked,
            .received = received,
            .answered = later(received, way.thought),
            .returned = later(asked, way.out + way.thought + way.back)};
}

constexpr WallTime start{1'800'000'000'000'000};

TEST(ClockOffset, knows_nothing_before_the_first_answer) {
    EXPECT_FALSE(ClockOffset{}.estimate());
}

TEST(ClockOffset, finds_the_offset_exactly_where_both_ways_take_as_long) {
    ClockOffset offset;
    offset.add(exchange(start, {.ahead = -250ms, .out = 20ms, .back = 20ms}));
    EXPECT_EQ(offset.estimate()->ahead, -250ms);
    EXPECT_EQ(offset.estimate()->uncertainty, 20ms);
}

TEST(ClockOffset, says_how_wrong_it_may_be_where_they_do_not) {
    ClockOffset offset;
    offset.add(exchange(start, {.ahead = 100ms, .out = 40ms, .back = 2ms}));
    const ClockOffset::Estimate found = *offset.estimate();
    EXPECT_LE(found.ahead - found.uncertainty, 100ms);
    EXPECT_GE(found.ahead + found.uncertainty, 100ms);
    EXPECT_EQ(found.uncertainty, 21ms);
}

TEST(ClockOffset, believes_the_fastest_of_the_last_eight) {
    ClockOffset offset;
    offset.add(exchange(start, {.ahead = 3s, .out = 1ms, .back = 1ms}));
    for (int i = 0; i < 7; ++i) {
        offset.add(exchange(start, {.ahead = 3s, .out = 90ms, .back = 10ms}));
        EXPECT_EQ(offset.estimate()->uncertainty, 1ms) << i;
    }
    offset.add(exchange(start, {.ahead = 3s, .out = 10ms, .back = 4ms}));
    EXPECT_EQ(offset.estimate()->uncertainty, 7ms);
    EXPECT_EQ(offset.estimate()->ahead, 3s + 3ms);
}

TEST(ClockOffset, begins_anew_when_a_clock_was_set) {
    ClockOffset offset;
    offset.add(exchange(start, {.ahead = 0s, .out = 1ms, .back = 1ms}));
    offset.add(exchange(start, {.ahead = 1h, .out = 30ms, .back = 30ms}));
    EXPECT_EQ(offset.estimate()->ahead, 1h);
}

TEST(ClockOffset, leaves_out_what_ran_backwards) {
    ClockOffset offset;
    offset.add({.asked = start, .received = start, .answered = start, .returned = {start.microseconds - 1}});
    offset.add({.asked = start, .received = start, .answered = {start.microseconds - 1}, .returned = start});
    offset.add({.asked = start, .received = start, .answered = {start.microseconds + 5}, .returned = start});
    EXPECT_FALSE(offset.estimate());
}

}   // namespace
}   // namespace millrace
