#include "container/m3u8_writer.hpp"

#include "container/m3u8_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace millrace::hls {
namespace {

MediaPlaylist one_segment() {
    return {.target_duration = 2, .media_sequence = 7, .segments = {{.uri = "a.ts", .duration = 2s}}};
}

TEST(M3u8Writer, writes_a_live_list_of_fragments) {
    const auto init = std::make_shared<const InitSection>(InitSection{"run/v0-1f.mp4", {}});
    const auto other = std::make_shared<const InitSection>(InitSection{"run/v0-2e.mp4", {}});
    MediaPlaylist list{.target_duration = 2,
                       .media_sequence = 1763646000,
                       .discontinuity_sequence = 1763646001,
                       .independent = true};
    for (int i = 0; i < 3; ++i) {
        list.segments.push_back({.uri = fmt::format("run/v0-{}.m4s", i * 180'000),
                                 .duration = 2s,
                                 .init = i < 2 ? init : other,
                                 .utc = WallTime{1'763'646'000'123'456 + i * 2'000'000},
                                 .discontinuity = i == 2,
                                 .gap = false});
    }
    EXPECT_EQ(write(list),
              "#EXTM3U\n"
              "#EXT-X-VERSION:6\n"
              "#EXT-X-TARGETDURATION:2\n"
              "#EXT-X-MEDIA-SEQUENCE:1763646000\n"
              "#EXT-X-DISCONTINUITY-SEQUENCE:1763646001\n"
              "#EXT-X-INDEPENDENT-SEGMENTS\n"
              "#EXT-X-MAP:URI=\"run/v0-1f.mp4\"\n"
              "#EXT-X-PROGRAM-DATE-TIME:2025-11-20T13:40:00.123Z\n"
              "#EXTINF:2.000000,\n"
              "run/v0-0.m4s\n"
              "#EXT-X-PROGRAM-DATE-TIME:2025-11-20T13:40:02.123Z\n"
              "#EXTINF:2.000000,\n"
              "run/v0-180000.m4s\n"
              "#EXT-X-DISCONTINUITY\n"
              "#EXT-X-MAP:URI=\"run/v0-2e.mp4\"\n"
              "#EXT-X-PROGRAM-DATE-TIME:2025-11-20T13:40:04.123Z\n"
              "#EXTINF:2.000000,\n"
              "run/v0-360000.m4s\n");
}

TEST(M3u8Writer, row_0_18_the_version_is_the_lowest_that_has_the_tags) {
    MediaPlaylist list = one_segment();
    EXPECT_EQ(write(list, {.digits = 0}),
              "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\na.ts\n");
    EXPECT_EQ(lowest_version(list), 3U);
    list.segments[0].utc = WallTime{};
    list.segments[0].discontinuity = true;
    list.discontinuity_sequence = 3;
    list.independent = true;
    EXPECT_EQ(lowest_version(list), 3U);
    list.segments[0].range = ByteRange{1, 0};
    EXPECT_EQ(lowest_version(list), 4U);
    list.segments[0].init = std::make_shared<const InitSection>(InitSection{"i", {}});
    EXPECT_EQ(lowest_version(list), 6U);
    list.segments[0].gap = true;
    EXPECT_EQ(lowest_version(list), 8U);
}

TEST(M3u8Writer, row_0_21_durations_are_true_to_a_microsecond) {
    const struct {
        Duration duration;
        unsigned digits;
        std::string_view text;
    } cases[] = {
        {2s, 6, "2.000000"},        {33'366'666ns, 6, "0.033367"}, {1'999'999'600ns, 6, "2.000000"},
        {1500ms, 0, "2"},           {7975ms, 3, "7.975"},          {2s + 1ns, 9, "2.000000001"},
        {59'999'999us, 2, "60.00"}, {0s, 6, "0.000000"},
    };
    for (const auto& [duration, digits, text] : cases) {
        MediaPlaylist list = one_segment();
        list.segments[0].duration = duration;
        const std::string written = write(list, {.digits = digits});
        EXPECT_NE(written.find("#EXTINF:" + std::string{text} + ",\n"), std::string::npos) << written;
    }
}

TEST(M3u8Writer, row_0_22_end_and_type_are_written_when_they_hold) {
    MediaPlaylist list = one_segment();
    EXPECT_EQ(write(list).find("ENDLIST"), std::string::npos);
    EXPECT_EQ(write(list).find("PLAYLIST-TYPE"), std::string::npos);
    list.ended = true;
    list.type = PlaylistType::event;
    EXPECT_TRUE(write(list).ends_with("a.ts\n#EXT-X-ENDLIST\n"));
    EXPECT_NE(write(list).find("#EXT-X-PLAYLIST-TYPE:EVENT\n"), std::string::npos);
    list.type = PlaylistType::vod;
    EXPECT_NE(write(list).find("#EXT-X-PLAYLIST-TYPE:VOD\n"), std::string::npos);
}

TEST(M3u8Writer, row_0_15_addresses_are_percent_encoded) {
    const struct {
        std::string_view uri;
        std::string_view written;
    } cases[] = {
        {"http://host/a b.ts", "http://host/a%20b.ts"},
        {"a%20b.ts", "a%20b.ts"},
        {"100%.ts", "100%25.ts"},
        {"\xc3\xa9.ts", "%C3%A9.ts"},
        {"\xef\xbb\xbf.ts", "%EF%BB%BF.ts"},
        {"#a.ts", "%23a.ts"},
        {"a.ts?token=x&y=z#f", "a.ts?token=x&y=z#f"},
        {"a\"b<c>\n\r\t.ts", "a%22b%3Cc%3E%0A%0D%09.ts"},
    };
    for (const auto& [uri, written] : cases) {
        EXPECT_EQ(percent_encoded(uri), written);
    }
}

TEST(M3u8Writer, row_0_14_no_control_character_and_no_byte_order_mark_is_ever_written) {
    std::string dirt = "\xef\xbb\xbf\xc2\x85\x7f\"";
    for (char c = 0; c < 0x20; ++c) {
        dirt += c;
    }
    MediaPlaylist media = one_segment();
    media.segments[0].uri = dirt;
    media.segments[0].title = dirt + "title";
    media.segments[0].init = std::make_shared<const InitSection>(InitSection{dirt, {}});
    MultivariantPlaylist list;
    list.renditions.push_back(
        {.group = dirt + "g", .name = dirt + "n", .language = dirt, .uri = dirt, .channels = dirt});
    list.variants.push_back({.uri = dirt, .bandwidth = 1, .codecs = dirt, .audio = dirt});
    EXPECT_TRUE(read_playlist(write(media))) << write(media);
    EXPECT_TRUE(read_playlist(write(list))) << write(list);
    EXPECT_NE(write(media).find(",\"title\n"), std::string::npos);
}

TEST(M3u8Writer, row_0_13_a_multivariant_list_says_what_its_media_are) {
    MultivariantPlaylist list{.independent = true};
    list.renditions.push_back(
        {.group = "mp4a", .name = "1", .uri = "segments/a1.m3u8", .is_default = true, .channels = "2"});
    list.variants.push_back({.uri = "segments/v0.m3u8",
                             .bandwidth = 1'200'000,
                             .average_bandwidth = 1'000'000,
                             .codecs = "avc1.64001f,mp4a.40.2",
                             .width = 1280,
                             .height = 720,
                             .frame_rate = 30'000.0 / 1001,
                             .audio = "mp4a"});
    EXPECT_EQ(
        write(list),
        "#EXTM3U\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"mp4a\",NAME=\"1\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\","
        "URI=\"segments/a1.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1200000,AVERAGE-BANDWIDTH=1000000,"
        "CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO=\"mp4a\"\n"
        "segments/v0.m3u8\n");
}

TEST(M3u8Writer, row_4_13_a_publishers_end_is_a_date_range_behind_its_last_segment) {
    MediaPlaylist list = one_segment();
    list.segments[0].utc = WallTime{1'763'646'000'250'000};
    list.segments[0].unpublished = true;
    EXPECT_TRUE(write(list).ends_with(
        "a.ts\n#EXT-X-DATERANGE:ID=\"millrace.unpublished-1763646002250\",CLASS=\"millrace.unpublished\","
        "START-DATE=\"2025-11-20T13:40:02.250Z\",DURATION=0\n"))
        << write(list);
}

TEST(M3u8Writer, a_gap_and_a_byte_range_are_written_for_their_segment) {
    MediaPlaylist list = one_segment();
    list.segments[0].gap = true;
    list.segments[0].range = ByteRange{100, 20};
    EXPECT_TRUE(write(list).ends_with("#EXT-X-GAP\n#EXTINF:2.000000,\n#EXT-X-BYTERANGE:100@20\na.ts\n"));
}

}   // namespace
}   // namespace millrace::hls
