#include "archive/run_clock.hpp"

#include <gtest/gtest.h>

namespace millrace::archive {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t segment = 2 * second;
constexpr std::int64_t began = 1'800'000'000 * second;
constexpr std::int64_t day = 86'400 * second;

TEST(RunClock, case_f10_follows_a_clock_that_drifts_and_never_runs_back) {
    for (const std::int64_t ppm : {500, -500}) {
        RunClock clock;
        std::int64_t before = began - segment;
        for (std::int64_t media = 0; media < day; media += segment) {
            const std::int64_t utc = began + media + media * ppm / 1'000'000;
            clock.learn(media, {utc});
            const std::int64_t at = clock.at(media).microseconds;
            ASSERT_EQ(at, utc) << ppm << " ppm, " << media;
            ASSERT_GT(at, before);
            before = at;
        }
        EXPECT_EQ(clock.correction_us(), 0);
    }
}

TEST(RunClock, case_96_f10_says_how_far_a_clock_jumped_and_does_not_follow_it) {
    for (const std::int64_t jump : {3600 * second, -3600 * second, 3653 * day, second - began}) {
        RunClock clock;
        clock.learn(0, {began});
        clock.learn(segment, {began + segment + jump});
        EXPECT_EQ(clock.at(segment).microseconds, began + segment);
        EXPECT_EQ(clock.correction_us(), jump);
    }
}

TEST(RunClock, case_96_takes_a_leap_second_in_small_steps) {
    RunClock clock;
    clock.learn(0, {began});
    std::int64_t before = began;
    for (std::int64_t media = segment; media < 600 * segment; media += segment) {
        clock.learn(media, {began + media - second});
        const std::int64_t at = clock.at(media).microseconds;
        ASSERT_GE(at - before, segment - RunClock::step_us_max);
        before = at;
    }
    EXPECT_EQ(before, began + 599 * segment - second);
}

}   // namespace
}   // namespace millrace::archive
