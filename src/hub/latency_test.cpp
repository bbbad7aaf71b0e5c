#include "hub/latency.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

constexpr std::int64_t start = 1'800'000'000'000'000;

WallTime at(std::int64_t milliseconds) {
    return {start + milliseconds * 1000};
}

TEST(Latency, counts_each_within_its_bounds) {
    LatencyMeter meter;
    for (const int milliseconds : {0, 10, 11, 300, 40'000}) {
        meter.count(at(0), at(milliseconds));
    }
    const LatencyReport report = meter.report(at(40'000));
    EXPECT_EQ(report.count, 5U);
    EXPECT_NEAR(report.sum_seconds, 40.321, 0.0001);
    EXPECT_EQ(report.at_most[0], 2U);
    EXPECT_EQ(report.at_most[1], 3U);
    EXPECT_EQ(report.at_most[5], 4U);
    EXPECT_EQ(report.at_most.back(), 4U);
}

TEST(Latency, says_the_middle_and_the_slow_end_within_an_eighth) {
    for (const int middle : {1, 3, 4, 7, 8, 90, 1500, 61'000, 500'000}) {
        LatencyMeter meter;
        for (int i = 0; i < 90; ++i) {
            meter.count(at(-middle), at(0));
        }
        for (int i = 0; i < 10; ++i) {
            meter.count(at(-10 * 60'000), at(0));
        }
        const LatencyReport report = meter.report(at(5));
        EXPECT_NEAR(report.p50_seconds * 1000, middle, middle / 8.0) << middle;
        EXPECT_NEAR(report.p95_seconds, 600, 75) << middle;
    }
}

TEST(Latency, forgets_what_is_older_than_two_windows) {
    LatencyMeter meter;
    meter.count(at(0), at(900));
    meter.count(at(9'000), at(9'100));
    EXPECT_NEAR(meter.report(at(9'200)).p95_seconds, 0.9, 0.1);
    meter.count(at(25'000), at(25'100));
    EXPECT_NEAR(meter.report(at(25'100)).p95_seconds, 0.1, 0.02);
    EXPECT_EQ(meter.report(at(60'000)).p95_seconds, 0);
    EXPECT_EQ(meter.report(at(60'000)).count, 3U);
}

TEST(Latency, a_clock_that_is_wrong_gives_no_absurd_numbers) {
    LatencyMeter meter;
    meter.count(at(5'000), at(0));
    meter.count({0}, at(0));
    const LatencyReport report = meter.report(at(0));
    EXPECT_EQ(report.count, 1U);
    EXPECT_EQ(report.sum_seconds, 0);
}

}   // namespace
}   // namespace millrace::hub
