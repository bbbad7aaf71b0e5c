#include "media/timed_message.hpp"

#include <gtest/gtest.h>

namespace millrace::media {
namespace {

TEST(TimedMessage, its_capture_is_a_text_or_a_number_or_is_not_said) {
    const auto capture = [](std::string_view json) {
        const auto message = read_message(json);
        return message ? message->capture.microseconds : -1;
    };
    EXPECT_EQ(capture(R"({"capture":"2027-01-15T08:00:00.123456Z"})"), 1'800'000'000'123'456);
    EXPECT_EQ(capture(R"({"boxes":[],"capture":1800000000123456})"), 1'800'000'000'123'456);
    EXPECT_EQ(capture(R"({"boxes":[]})"), 0);
    for (const std::string_view wrong :
         {R"({"capture":"now"})", R"({"capture":null})", R"({"capture":[1]})", R"({"capture":1.5})",
          R"({"capture":-1})", R"({"capture":99999999999999999999})", "[]", "", "1", R"({"a":1}{)"}) {
        EXPECT_EQ(capture(wrong), -1) << wrong;
    }
}

TEST(TimedMessage, is_one_line_and_bounded) {
    const auto message = read_message("\n{\"a\":\r\n\t[1,\n2]}\n");
    ASSERT_TRUE(message);
    EXPECT_EQ(as_text(message->body), "{\"a\":   [1, 2]}");
    const std::string most = R"({"a":")" + std::string(TimedMessage::bytes_max - 8, 'x') + R"("})";
    EXPECT_TRUE(read_message(most));
    EXPECT_FALSE(read_message(most + " "));
}

TEST(TimedMessage, says_its_picture_and_its_own_words) {
    auto message = read_message(R"({"boxes":[{"x":0.5}]})");
    ASSERT_TRUE(message);
    message->capture = {1'800'000'000'000'042};
    message->pts = 90'045;
    EXPECT_EQ(message_text("t", {}, *message),
              R"({"t":"result","capture":"2027-01-15T08:00:00.000042Z","pts":1.000500,)"
              R"("result":{"boxes":[{"x":0.5}]}})");
}

TEST(TimedMessage, its_key_is_of_what_is_said_and_not_of_where_it_stands_on_a_timeline) {
    const TimedMessage one{
        .body = Bytes::copy(as_bytes(std::string_view{R"({"n":1})"})), .capture = {7}, .pts = 1};
    TimedMessage other = one;
    other.pts = 2;
    EXPECT_EQ(key_of(other), key_of(one));
    other.kind = TimedMessage::Kind::klv;
    EXPECT_NE(key_of(other), key_of(one));
    other = one;
    other.capture.microseconds += 1;
    EXPECT_NE(key_of(other), key_of(one));
    other = one;
    other.body = Bytes::copy(as_bytes(std::string_view{R"({"n":2})"}));
    EXPECT_NE(key_of(other), key_of(one));
}

}   // namespace
}   // namespace millrace::media
