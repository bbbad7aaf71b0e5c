#include "hub/feed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <numeric>

namespace millrace::hub {
namespace {

using Numbers = Feed<int>;

struct Weight {
    std::size_t bytes = 1;
    Instant at;
};

void add(Numbers& feed, int number, bool entrance, Weight weight = {}) {
    feed.append(std::make_shared<const int>(number), weight.bytes, entrance, weight.at);
    feed.trim(weight.at);
}

std::vector<int> drain(Numbers::Cursor& cursor) {
    std::vector<int> numbers;
    while (const auto item = cursor.next()) {
        numbers.push_back(*item);
    }
    return numbers;
}

TEST(Feed, a_newcomer_begins_at_the_newest_entrance) {
    Numbers feed;
    for (int i = 0; i < 10; ++i) {
        add(feed, i, i % 4 == 0);
    }
    Numbers::Cursor cursor{feed};
    EXPECT_EQ(drain(cursor), (std::vector{8, 9}));
    add(feed, 10, false);
    EXPECT_EQ(drain(cursor), (std::vector{10}));
    EXPECT_EQ(cursor.skipped(), 0U);
}

TEST(Feed, without_an_entrance_a_reader_waits_for_one) {
    Numbers feed;
    add(feed, 1, false);
    Numbers::Cursor cursor{feed};
    EXPECT_EQ(cursor.next(), nullptr);
    add(feed, 2, false);
    EXPECT_EQ(cursor.next(), nullptr);
    add(feed, 3, true);
    EXPECT_EQ(drain(cursor), (std::vector{3}));
}

TEST(Feed, skips_a_lapped_reader_to_a_key_frame_and_counts_what_it_missed) {
    Numbers feed;
    add(feed, 0, true);
    Numbers::Cursor cursor{feed};
    EXPECT_EQ(drain(cursor), (std::vector{0}));
    for (int i = 1; i < 100; ++i) {
        add(feed, i, i == 50);
    }
    EXPECT_EQ(drain(cursor).front(), 50);
    EXPECT_EQ(cursor.skipped(), 49U);
}

TEST(Feed, one_who_reads_after_every_batch_misses_nothing_however_the_groups_fall) {
    Numbers feed{FeedLimits{.bytes_max = 4}};
    Numbers::Cursor cursor{feed};
    std::vector<int> seen;
    for (int batch = 0; batch < 20; ++batch) {
        for (int i = 0; i < 3; ++i) {
            feed.append(std::make_shared<const int>(3 * batch + i), 1, (3 * batch + i) % 8 == 0, {});
        }
        std::ranges::copy(drain(cursor), std::back_inserter(seen));
        feed.trim({});
        EXPECT_LE(feed.bytes(), 4U);
    }
    std::vector<int> all(60);
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(seen, all);
    EXPECT_EQ(cursor.skipped(), 0U);
}

TEST(Feed, a_group_that_outgrows_the_limits_is_no_longer_joined) {
    Numbers feed{FeedLimits{.age_max = 10s, .bytes_max = 100}};
    add(feed, 0, true, {.bytes = 60});
    add(feed, 1, false, {.bytes = 60});
    EXPECT_FALSE(feed.newest_entrance());
    EXPECT_LE(feed.bytes(), 100U);
    Numbers::Cursor cursor{feed};
    EXPECT_EQ(cursor.next(), nullptr);
    add(feed, 2, true, {.bytes = 10, .at = Instant{} + 11s});
    EXPECT_EQ(drain(cursor), (std::vector{2}));
}

TEST(Feed, keeps_no_more_than_the_newest_group) {
    Numbers feed;
    for (int i = 0; i < 1000; ++i) {
        add(feed, i, i % 10 == 0, {.at = Instant{} + i * 33ms});
        EXPECT_LE(feed.end() - feed.begin(), 10U);
    }
}

TEST(Feed, a_reservation_keeps_what_it_has_not_read) {
    Numbers feed;
    add(feed, 0, true);
    Numbers::Reservation reservation{feed};
    for (int i = 1; i < 500; ++i) {
        add(feed, i, i % 10 == 0);
    }
    for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(*reservation.next(), i);
    }
    EXPECT_EQ(reservation.next(), nullptr);
    EXPECT_EQ(reservation.lost(), 0U);
    add(feed, 500, true);
    EXPECT_EQ(feed.end() - feed.begin(), 1U) << "what was read may go";
}

TEST(Feed, a_reservation_beyond_its_bound_loses_the_oldest_and_says_how_much) {
    Numbers feed{FeedLimits{.reserved_age_max = 30s, .reserved_bytes_max = 100}};
    add(feed, 0, true);
    Numbers::Reservation reservation{feed};
    for (int i = 1; i <= 300; ++i) {
        add(feed, i, true);
    }
    EXPECT_EQ(reservation.unread(), 301U);
    EXPECT_EQ(*reservation.next(), 201);
    EXPECT_EQ(reservation.lost(), 201U);
    EXPECT_LE(feed.bytes(), 100U);
}

}   // namespace
}   // namespace millrace::hub
