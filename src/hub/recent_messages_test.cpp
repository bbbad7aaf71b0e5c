#include "hub/recent_messages.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

media::TimedMessage result(int number, std::size_t size = 10) {
    std::string text = fmt::format(R"({{"n":{}}})", number);
    text.resize(std::max(text.size(), size), ' ');
    return {.body = Bytes::copy(as_bytes(std::string_view{text})), .capture = {1'000'000 + number}};
}

TEST(RecentMessages, are_found_by_what_they_are_wherever_they_stand_on_a_timeline) {
    RecentMessages recent;
    recent.take(result(1), 0);
    recent.take(result(2), 40'000);
    media::TimedMessage elsewhere = result(2);
    elsewhere.pts = 77;
    const auto found = recent.find(media::key_of(elsewhere));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->body, result(2).body);
    EXPECT_EQ(found->capture, result(2).capture);
    media::TimedMessage other = result(2);
    other.kind = media::TimedMessage::Kind::klv;
    EXPECT_FALSE(recent.find(media::key_of(other)));
    other = result(2);
    other.capture.microseconds += 1;
    EXPECT_FALSE(recent.find(media::key_of(other)));
    EXPECT_FALSE(recent.find(media::key_of(result(3))));
}

TEST(RecentMessages, stay_for_ten_seconds_and_within_their_bounds) {
    RecentMessages recent;
    for (int n = 0; n <= 400; ++n) {
        recent.take(result(n), n * INT64_C(40'000));
    }
    EXPECT_FALSE(recent.find(media::key_of(result(149))));
    EXPECT_TRUE(recent.find(media::key_of(result(150))));
    EXPECT_EQ(recent.bytes(), 2'510U);
    recent.forget_before(15'960'000);
    EXPECT_FALSE(recent.find(media::key_of(result(398))));
    EXPECT_EQ(recent.bytes(), 20U);
    recent.take(result(1'000, RecentMessages::bytes_max - 10), 16'040'000);
    EXPECT_EQ(recent.bytes(), RecentMessages::bytes_max) << "room for one of the two before";
    for (int n = 0; n < 3'000; ++n) {
        recent.take(result(n), 16'080'000);
    }
    EXPECT_EQ(recent.bytes(), 10U * RecentMessages::count_max);
}

TEST(RecentMessages, of_a_time_that_began_anew_nothing_before_is_kept) {
    RecentMessages recent;
    recent.take(result(1), 3'600'000'000);
    recent.take(result(2), 0);
    EXPECT_FALSE(recent.find(media::key_of(result(1))));
    EXPECT_TRUE(recent.find(media::key_of(result(2))));
}

TEST(RecentMessages, one_that_was_said_twice_is_there_as_long_as_the_later) {
    RecentMessages recent;
    recent.take(result(1), 0);
    recent.take(result(1), 5'000'000);
    recent.forget_before(5'000'000);
    EXPECT_TRUE(recent.find(media::key_of(result(1))));
}

}   // namespace
}   // namespace millrace::hub
