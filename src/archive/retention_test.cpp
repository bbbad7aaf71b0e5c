#include "archive/retention.hpp"

#include <gtest/gtest.h>

namespace millrace::archive {
namespace {

constexpr std::int64_t day = 86'400'000'000;
constexpr WallTime now{1'800'000'000'000'000};
constexpr std::uint64_t plenty = std::uint64_t{1} << 40U;

Stock::File file(std::uint64_t id, std::int64_t days_ago, std::string stream = "a") {
    const WallTime begin{now.microseconds - days_ago * day};
    return {.id = id,
            .stream = std::move(stream),
            .span = {begin, {begin.microseconds + 600'000'000}},
            .bytes = 100};
}
using Ids = std::vector<std::uint64_t>;

TEST(Retention, keeps_everything_unless_told) {
    const Stock stock{.files = {file(1, 4000), file(2, 1)}, .free = plenty, .now = now};
    EXPECT_EQ(to_remove(stock, {}), Ids{});
}

TEST(Retention, row_0_10_removes_by_age_and_by_bytes_oldest_first) {
    const Stock stock{
        .files = {file(3, 1), file(1, 9), file(2, 8, "b"), file(4, 0)}, .free = plenty, .now = now};
    EXPECT_EQ(to_remove(stock, {.age_max = 24h * 7}), (Ids{1, 2}));
    EXPECT_EQ(to_remove(stock, {.bytes_max = 250}), (Ids{1, 2}));
    EXPECT_EQ(to_remove(stock, {.stream_bytes_max = 200}), Ids{1});
    EXPECT_EQ(to_remove(stock, {.bytes_max = 300, .stream_bytes_max = 100}), (Ids{1, 3}));
}

TEST(Retention, row_0_10_keeps_what_is_pinned_or_open) {
    Stock stock{.files = {file(1, 9), file(2, 8), file(3, 7)}, .free = plenty, .now = now};
    stock.files[0].pinned = true;
    stock.files[1].open = true;
    EXPECT_EQ(to_remove(stock, {.age_max = 24h, .bytes_max = 0}), Ids{3});
}

TEST(Retention, frees_the_floor_of_the_disk) {
    const Stock stock{.files = {file(1, 9), file(2, 8), file(3, 7)}, .free = 50, .now = now};
    EXPECT_EQ(to_remove(stock, {.free_min = 200}), (Ids{1, 2}));
    EXPECT_EQ(to_remove(stock, {.free_min = 1000}), Ids{}) << "all of them would be of no help";
}

// A clock set to next year makes nothing old.
TEST(Retention, case_f10_removes_nothing_for_its_age_after_the_clock_jumped) {
    for (const std::int64_t jump : {day, 3650 * day, -day}) {
        ClockTrust trust;
        Instant at = Instant::from_nanoseconds(0);
        EXPECT_EQ(trust.believe(now, at), now);
        at = at + 5s;
        EXPECT_EQ(trust.believe({now.microseconds + jump}, at), std::nullopt);
        EXPECT_TRUE(trust.holds());
        at = at + 1h;
        EXPECT_EQ(trust.believe({now.microseconds + jump + 3'600'000'000}, at), std::nullopt);
    }
    const Stock stock{.files = {file(1, 9)}, .free = plenty, .now = std::nullopt};
    EXPECT_EQ(to_remove(stock, {.age_max = 24h}), Ids{});
    EXPECT_EQ(to_remove(stock, {.bytes_max = 0}), Ids{1});   // the bytes are as many as before
}

TEST(Retention, case_f10_believes_no_clock_that_jumped_while_nothing_ran) {
    for (const std::int64_t jump : {day / 12, 3650 * day, -day / 12}) {
        ClockTrust trust;
        trust.remember(now);
        Instant at = Instant::from_nanoseconds(0);
        EXPECT_EQ(trust.believe({now.microseconds + jump}, at), std::nullopt) << jump;
        at = at + 5s;
        EXPECT_EQ(trust.believe({now.microseconds + jump + 5'000'000}, at), std::nullopt) << jump;
    }
    ClockTrust trust;
    trust.remember(now);
    const WallTime soon{now.microseconds + 60'000'000};
    EXPECT_EQ(trust.believe(soon, Instant::from_nanoseconds(0)), soon);
}

TEST(Retention, believes_a_clock_again_that_went_steadily_for_a_day) {
    ClockTrust trust;
    Instant at = Instant::from_nanoseconds(0);
    WallTime utc = now;
    EXPECT_TRUE(trust.believe(utc, at));
    utc.microseconds += day;
    EXPECT_FALSE(trust.believe(utc, at));
    for (int hour = 0; hour < 23; ++hour) {
        at = at + 1h;
        utc.microseconds += day / 24;
        EXPECT_FALSE(trust.believe(utc, at)) << hour;
    }
    at = at + 1h;
    utc.microseconds += day / 24;
    EXPECT_TRUE(trust.believe(utc, at));
}

}   // namespace
}   // namespace millrace::archive
