#include "base/log.hpp"

#include "base/web.hpp"

#include <gtest/gtest.h>

namespace millrace::log {
namespace {

constexpr std::string_view time = "2026-11-20T18:00:00.000Z";

TEST(Log, a_line_is_for_people_or_one_object) {
    const Line line{time, Level::warning, "rtmp", "a \"b\"\n\\ \xFF<"};
    EXPECT_EQ(line_of(line, Format::text), "2026-11-20T18:00:00.000Z WARN  rtmp: a \"b\"\\x0a\\x5c \\xff<\n");
    EXPECT_EQ(line_of(line, Format::json),
              "{\"time\":\"2026-11-20T18:00:00.000Z\",\"level\":\"warning\",\"who\":\"rtmp\","
              "\"text\":\"a \\\"b\\\"\\n\\\\ \\ufffd\\u003c\"}\n");
}

TEST(Log, a_line_of_512_bytes_is_whole_in_either_form) {
    for (const std::string_view part : {"a", "\x01", "\"", "\xC3\xA9", "\xF0\x9F\x8E\xA5", "\xFF"}) {
        for (std::size_t size = 380; size < 600; ++size) {
            std::string text(size % 7, 'x');
            while (text.size() < size) {
                text += part;
            }
            const std::string plain = line_of({time, Level::info, "hub", text}, Format::text);
            EXPECT_LE(plain.size(), 512U);
            EXPECT_EQ(plain.back(), '\n');
            const std::string object = line_of({time, Level::info, "hub", text}, Format::json);
            ASSERT_LE(object.size(), 512U);
            EXPECT_TRUE(object.ends_with("\"}\n")) << object;
            // What is cut is cut between characters.
            EXPECT_TRUE(part == "\xFF" || !object.contains("ufffd")) << object;
        }
    }
}

TEST(Log, case_101_a_tap_hears_no_more_than_is_written) {
    struct Counting final : Tap {
        void on_line(Level, std::string_view, std::string_view) override { ++lines; }
        int lines = 0;
    };
    Counting tap;
    set_tap(&tap);
    for (int i = 0; i < 2000; ++i) {
        info("test", "line {}", i);
    }
    set_tap(nullptr);
    EXPECT_GE(tap.lines, 1);
    EXPECT_LE(tap.lines, 200);   // a second may have passed
}

}   // namespace
}   // namespace millrace::log
