#include "hub/pace.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

Instant at(Duration since) {
    return Instant::from_nanoseconds(since.count());
}

TEST(Pace, says_what_a_slow_link_takes_of_what_it_should) {
    Pace pace{at(0s)};
    pace.look({.bytes = 1'750'000, .bytes_skipped = 750'000, .skips = 3}, at(10s));
    ASSERT_TRUE(pace.slow());
    EXPECT_EQ(pace.verdict(),
              "This viewer's link takes 1.4 of 2.0 Mbit/s: skipped 3 times. "
              "It needs a faster link, or a stream of fewer bits.");
}

TEST(Pace, forgives_a_link_that_kept_up_for_two_windows) {
    Pace pace{at(0s)};
    pace.look({.bytes = 100, .bytes_skipped = 50, .skips = 1}, at(10s));
    pace.look({.bytes = 200, .bytes_skipped = 50, .skips = 1}, at(20s));
    EXPECT_TRUE(pace.slow());
    pace.look({.bytes = 300, .bytes_skipped = 50, .skips = 1}, at(30s));
    EXPECT_FALSE(pace.slow());
    EXPECT_EQ(pace.verdict(), "");
}

TEST(Pace, a_rate_is_that_of_late) {
    Pace pace{at(0s)};
    EXPECT_EQ(pace.bits_per_second({.bytes = 1000}, at(0s)), 8000);
    EXPECT_EQ(pace.bits_per_second({.bytes = 1000}, at(4s)), 2000);
    pace.look({.bytes = 10'000}, at(10s));
    pace.look({.bytes = 10'000}, at(20s));
    EXPECT_EQ(pace.bits_per_second({.bytes = 20'000}, at(30s)), 4000);
}

}   // namespace
}   // namespace millrace::hub
