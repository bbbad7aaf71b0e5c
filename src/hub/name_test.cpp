#include "hub/name.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

using namespace std::string_literals;

std::string repeated(std::string_view segment, int count) {
    std::string name{segment};
    for (int i = 1; i < count; ++i) {
        name += "/" + std::string{segment};
    }
    return name;
}

TEST(StreamName, takes_what_the_rule_allows) {
    const std::string longest = repeated(std::string(64, 'x'), 8);
    EXPECT_EQ(longest.size(), StreamName::size_max);
    for (const std::string& text : {"cam"s, "live/cam"s, "live/cam-1.front_door~2"s, "-rf"s, "~"s, "..."s,
                                    ".hidden"s, "a.flv.b"s, longest, repeated("a", 8), "whip"s, "archive/x"s,
                                    "x/api"s, "apis"s, "live/CAM.FLV"s, "events"s, "ts"s}) {
        const auto name = StreamName::parse(text);
        ASSERT_TRUE(name) << text << ": " << name.error().what;
        EXPECT_EQ(name->text(), text);
    }
}

TEST(StreamName, case_12_hostile_names_are_refused_with_the_rule_they_break) {
    struct Row {
        std::string text;
        std::string_view rule;
    };
    const std::vector<Row> rows{
        {std::string(65536, 'a'), "at most eight segments of 64"},
        {"", "not empty"},
        {".", "'.' or '..'"},
        {"..", "'.' or '..'"},
        {"a/../../etc", "'.' or '..'"},
        {"%2e%2e", "characters"},
        {"a\0b"s, "characters"},
        {"a\r\nb", "characters"},
        {"a\n", "characters"},
        {"\xE2\x80\xAE"
         "cam",
         "characters"},
        {"<img onerror>", "characters"},
        {";rm", "characters"},
        {"$(id)", "characters"},
        {"a b", "characters"},
        {"a\\b", "characters"},
        {"*", "characters"},
        {"/live", "'//'"},
        {"live/", "'//'"},
        {"a//b", "'//'"},
        {"/", "'//'"},
        {std::string(65, 'a'), "at most 64"},
        {repeated("a", 9), "at most eight"},
    };
    for (const auto& row : rows) {
        const auto name = StreamName::parse(row.text);
        ASSERT_FALSE(name) << row.text.substr(0, 80);
        EXPECT_EQ(name.error().code, Errc::malformed);
        EXPECT_NE(name.error().what.find(row.rule), std::string_view::npos)
            << row.text.substr(0, 80) << ": " << name.error().what;
    }
}

TEST(StreamName, refuses_endings_of_formats_in_every_segment) {
    for (const std::string ending :
         {".flv", ".mp4", ".ts", ".h264", ".mjpeg", ".jpg", ".m3u8", ".mpd", ".m4s"}) {
        EXPECT_FALSE(StreamName::parse("live/cam" + ending)) << ending;
        EXPECT_FALSE(StreamName::parse("live" + ending + "/cam")) << ending;
        EXPECT_FALSE(StreamName::parse(ending)) << ending;
        EXPECT_TRUE(StreamName::parse("live/cam" + ending + "x")) << ending;
    }
}

TEST(StreamName, refuses_reserved_words_in_their_places_only) {
    for (const std::string word : {"whip", "whep", "upload", "events", "archive", "segments"}) {
        EXPECT_TRUE(StreamName::parse(word)) << word;
        EXPECT_FALSE(StreamName::parse("live/" + word)) << word;
        EXPECT_FALSE(StreamName::parse("live/" + word + "/x")) << word;
    }
    for (const std::string word : {"api", "assets", "metrics", "healthz", "readyz", "login", "stream.m3u8",
                                   "video_feed", "play2", "favicon.ico", "robots.txt"}) {
        EXPECT_FALSE(StreamName::parse(word)) << word;
        EXPECT_FALSE(StreamName::parse(word + "/cam")) << word;
    }
    EXPECT_TRUE(StreamName::parse("live/api"));
}

TEST(MediaPath, is_read_from_the_right_and_ends_at_a_reserved_segment) {
    struct Row {
        std::string_view path;
        std::string_view name;
        std::string_view rest;
    };
    const std::vector<Row> rows{
        {"/live/cam", "live/cam", ""},
        {"/cam", "cam", ""},
        {"/live/cam.flv", "live/cam", ".flv"},
        {"/cam.ts", "cam", ".ts"},
        {"/live/cam.h264", "live/cam", ".h264"},
        {"/live/cam/index.m3u8", "live/cam", "/index.m3u8"},
        {"/live/cam/ts.m3u8", "live/cam", "/ts.m3u8"},
        {"/live/cam/manifest.mpd", "live/cam", "/manifest.mpd"},
        {"/live/cam/archive.mp4", "live/cam", "/archive.mp4"},
        {"/live/cam/segments/a/b.m4s", "live/cam", "/segments/a/b.m4s"},
        {"/live/cam/upload/a.ts", "live/cam", "/upload/a.ts"},
        {"/live/cam/upload/", "live/cam", "/upload/"},
        {"/live/cam/whep", "live/cam", "/whep"},
        {"/live/whep/whip", "live", "/whep/whip"},
        {"/upload/upload/x", "upload", "/upload/x"},
        {"/whip", "whip", ""},
        {"/cam.flv.flv2", "cam.flv.flv2", ""},
        {"/index.m3u8", "index", ".m3u8"},
    };
    for (const auto& row : rows) {
        const auto split = split_media_path(row.path);
        ASSERT_TRUE(split) << row.path << ": " << split.error().what;
        EXPECT_EQ(split->name.text(), row.name) << row.path;
        EXPECT_EQ(split->rest, row.rest) << row.path;
    }
}

TEST(MediaPath, case_57_paths_that_climb_or_hide_are_no_stream) {
    for (const std::string& path : {"/live/../.."s,
                                    "/%2e%2e%2fetc"s,
                                    "/%252e"s,
                                    "/..%5c"s,
                                    "/..\\x"s,
                                    "//"s,
                                    "/"s,
                                    ""s,
                                    "live/cam"s,
                                    "/file.m3u8/.."s,
                                    "/live/cam/"s,
                                    "//live/cam"s,
                                    "/live//cam.flv"s,
                                    "/live/.flv"s,
                                    "/.flv"s,
                                    "/live/cam.flv.ts"s,
                                    "/live/cam.ts/x"s,
                                    "/../upload/a.ts"s,
                                    "/live/cam\0.flv"s,
                                    "/api/v1"s,
                                    "/metrics"s,

                                    "/video_feed"s,
                                    "/live//upload/a.ts"s}) {
        EXPECT_FALSE(split_media_path(path)) << path;
    }
}

}   // namespace
}   // namespace millrace::hub
