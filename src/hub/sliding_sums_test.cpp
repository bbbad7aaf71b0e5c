#include "hub/sliding_sums.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

Instant at(Duration since) {
    return Instant::from_nanoseconds(since.count());
}

TEST(SlidingSums, what_comes_steadily_gives_the_same_sum_at_any_moment) {
    SlidingSums<int> sums;
    for (int i = 0; i < 600; ++i) {
        const Duration now = 5s + i * 33'333'333ns;
        sums.at(at(now)) += 1;
        if (now > 16s) {
            EXPECT_NEAR(sums.last(1s, at(now)), 30, 1) << i;
            EXPECT_NEAR(sums.last(10s, at(now)), 300, 1) << i;
        }
    }
}

TEST(SlidingSums, a_step_counts_when_it_is_over_and_until_its_window_is) {
    SlidingSums<int> sums;
    EXPECT_EQ(sums.last(1s, at(3s)), 0);
    sums.at(at(3050ms)) += 7;
    EXPECT_EQ(sums.last(1s, at(3099ms)), 0);
    EXPECT_EQ(sums.last(1s, at(3100ms)), 7);
    EXPECT_EQ(sums.last(1s, at(4099ms)), 7);
    EXPECT_EQ(sums.last(1s, at(4100ms)), 0);
    EXPECT_EQ(sums.last(10s, at(13s)), 7);
    EXPECT_EQ(sums.last(10s, at(13100ms)), 0);
}

TEST(SlidingSums, a_long_silence_leaves_nothing_behind) {
    SlidingSums<int> sums;
    for (Duration now = 0s; now < 10s; now += 50ms) {
        sums.at(at(now)) += 1;
    }
    sums.at(at(25s)) += 3;
    EXPECT_EQ(sums.last(10s, at(25100ms)), 3);
    sums.at(at(24s)) += 2;
    EXPECT_EQ(sums.last(10s, at(25100ms)), 5) << "a moment before the newest counts with it";
}

TEST(SlidingSums, a_rate_is_over_what_there_has_been_of_the_window) {
    SlidingSums<int> sums;
    EXPECT_EQ(sums.seconds(10s, at(100s)), 1);
    sums.at(at(100s)) += 1;
    EXPECT_EQ(sums.seconds(10s, at(100500ms)), 1);
    EXPECT_EQ(sums.seconds(10s, at(104s)), 4);
    EXPECT_EQ(sums.seconds(10s, at(200s)), 10);
    EXPECT_EQ(sums.seconds(1s, at(200s)), 1);
}

}   // namespace
}   // namespace millrace::hub
