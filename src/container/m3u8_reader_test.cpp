#include "container/m3u8_reader.hpp"

#include "container/m3u8_attributes.hpp"
#include "container/m3u8_writer.hpp"

#include <gtest/gtest.h>

namespace millrace::hls {
namespace {

constexpr std::string_view https_example =
    "#EXTM3U\n"
    "#EXT-X-VERSION:3\n"
    "#EXT-X-TARGETDURATION:8\n"
    "#EXT-X-MEDIA-SEQUENCE:2680\n"
    "\n"
    "#EXTINF:7.975,\n"
    "https://priv.example.com/fileSequence2680.ts\n"
    "#EXTINF:7.941,\n"
    "https://priv.example.com/fileSequence2681.ts\n"
    "#EXTINF:7.975,\n"
    "https://priv.example.com/fileSequence2682.ts\n"
    "#EXT-X-ENDLIST\n";

constexpr std::string_view loopback_example =
    "#EXTM3U\n"
    "#EXT-X-VERSION:3\n"
    "#EXT-X-TARGETDURATION:3\n"
    "#EXT-X-MEDIA-SEQUENCE:28\n"
    "#EXTINF:2.250000,\n"
    "http://127.0.0.1:8080/live/out028.ts\n"
    "#EXTINF:1.500000,\n"
    "http://127.0.0.1:8080/live/out029.ts\n";

/// A media list, or a failed test with the reason.
MediaPlaylist media(std::string_view text) {
    const Result<Playlist> list = read_playlist(text);
    EXPECT_TRUE(list) << (list ? "" : list.error().what);
    const auto* media = list ? std::get_if<MediaPlaylist>(&*list) : nullptr;
    return media != nullptr ? *media : MediaPlaylist{};
}

std::string media_text(std::string_view tags) {
    return "#EXTM3U\n#EXT-X-TARGETDURATION:8\n" + std::string{tags};
}

std::string_view refusal(std::string_view text) {
    const Result<Playlist> list = read_playlist(text);
    return list ? "read" : list.error().what;
}

TEST(M3u8Reader, row_0_23_reads_the_https_example_as_it_stands_and_writes_it_again) {
    const MediaPlaylist list = media(https_example);
    EXPECT_EQ(list.version, 3U);
    EXPECT_EQ(list.target_duration, 8);
    EXPECT_EQ(list.media_sequence, 2680U);
    EXPECT_TRUE(list.ended);
    ASSERT_EQ(list.segments.size(), 3U);
    EXPECT_EQ(list.segments[0].duration, 7975ms);
    EXPECT_EQ(list.segments[1].duration, 7941ms);
    EXPECT_EQ(list.segments[2].uri, "https://priv.example.com/fileSequence2682.ts");
    EXPECT_EQ(write(list, {.digits = 3, .blank_line = true}), https_example);
}

TEST(M3u8Reader, row_0_23_the_same_list_is_written_from_relative_addresses) {
    MediaPlaylist list = media(https_example);
    for (MediaSegment& segment : list.segments) {
        segment.uri = segment.uri.substr(segment.uri.rfind('/') + 1);
    }
    EXPECT_EQ(write(list, {.digits = 3, .base = "https://priv.example.com/", .blank_line = true}),
              https_example);
    EXPECT_NE(write(list, {.digits = 3}).find("\nfileSequence2680.ts\n"), std::string::npos);
}

TEST(M3u8Reader, row_1_11_reads_the_loopback_example_as_it_stands_and_writes_it_again) {
    const MediaPlaylist list = media(loopback_example);
    EXPECT_EQ(list.media_sequence, 28U);
    ASSERT_EQ(list.segments.size(), 2U);
    EXPECT_EQ(list.segments[0].duration, 2250ms);
    EXPECT_EQ(list.segments[1].duration, 1500ms);
    EXPECT_FALSE(list.ended);
    EXPECT_EQ(write(list), loopback_example);
}

TEST(M3u8Reader, row_1_11_the_same_list_is_written_from_the_same_two_segments) {
    MediaPlaylist list{.target_duration = 3, .media_sequence = 28};
    for (int number = 28; number < 30; ++number) {
        list.segments.push_back(
            {.uri = fmt::format("out{:03}.ts", number), .duration = number == 28 ? 2250ms : 1500ms});
    }
    EXPECT_EQ(write(list, {.base = "http://127.0.0.1:8080/live/"}), loopback_example);
}

struct Refused {
    std::string_view text;
    std::string_view reason;
};

TEST(M3u8Reader, rows_0_14_to_0_17_what_is_no_list_is_refused_with_the_reason) {
    const Refused cases[] = {
        {"", "the first line is not #EXTM3U"},
        {"\n#EXTM3U\n#EXT-X-TARGETDURATION:8\n", "the first line is not #EXTM3U"},
        {"#extm3u\n#EXT-X-TARGETDURATION:8\n", "the first line is not #EXTM3U"},
        {"#EXTM3U8\n#EXT-X-TARGETDURATION:8\n", "the first line is not #EXTM3U"},
        {" #EXTM3U\n#EXT-X-TARGETDURATION:8\n", "the first line is not #EXTM3U"},
        {"#EXT-X-TARGETDURATION:8\n", "the first line is not #EXTM3U"},
        {"\xef\xbb\xbf#EXTM3U\n#EXT-X-TARGETDURATION:8\n", "the list begins with a byte order mark"},
        {"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#\x01\n", "the list has a control character"},
        {"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#\t\n", "the list has a control character"},
        {"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#\x7f\n", "the list has a control character"},
        {"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#\xc2\x85\n", "the list has a control character"},
        {"#EXTM3U\r#EXT-X-TARGETDURATION:8\n", "the list has a control character"},
        {"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#\xff\n", "the list is not UTF-8"},
        {"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#\xc3", "the list is not UTF-8"},
    };
    for (const auto& [text, reason] : cases) {
        EXPECT_EQ(refusal(text), reason) << text;
    }
    EXPECT_EQ(refusal(std::string{"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#"} + '\0'),
              "the list has a control character");
}

TEST(M3u8Reader, rfc_8216_4_1_lines_end_in_lf_or_cr_lf_and_the_last_may_have_no_end) {
    std::string text{https_example};
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) {
        text.replace(at, 1, "\r\n");
    }
    EXPECT_EQ(media(text), media(https_example));
    EXPECT_EQ(media(https_example.substr(0, https_example.size() - 1)), media(https_example));
}

TEST(M3u8Reader, row_0_16_comments_and_unknown_tags_are_passed_over) {
    const MediaPlaylist list =
        media(media_text("# a comment\n#EXT-X-UNKNOWN:1\n#EXTINF:2,\n#ext-x-endlist\n#EXTRA\na.ts\n"));
    ASSERT_EQ(list.segments.size(), 1U);
    EXPECT_FALSE(list.ended);
}

TEST(M3u8Reader, row_0_18_rfc_8216_4_3_1_2_one_version_at_most) {
    EXPECT_EQ(media(media_text("")).version, 1U);
    EXPECT_EQ(media(media_text("#EXT-X-VERSION:7\n")).version, 7U);
    EXPECT_EQ(refusal(media_text("#EXT-X-VERSION:3\n#EXT-X-VERSION:3\n")), "EXT-X-VERSION is there twice");
    EXPECT_EQ(refusal(media_text("#EXT-X-VERSION:0\n")), "the list is of a version that is not known here");
    EXPECT_EQ(refusal(media_text("#EXT-X-VERSION:99\n")), "the list is of a version that is not known here");
}

TEST(M3u8Reader, row_0_19_rfc_8216_4_3_3_1_a_media_list_has_a_target_duration) {
    EXPECT_EQ(refusal("#EXTM3U\n#EXTINF:2,\na.ts\n"), "EXT-X-TARGETDURATION is missing");
    EXPECT_EQ(refusal("#EXTM3U\n"), "EXT-X-TARGETDURATION is missing");
    EXPECT_EQ(refusal("#EXTM3U\n#EXT-X-TARGETDURATION:2.5\n"), "a number is not one to twenty digits");
}

TEST(M3u8Reader, row_0_20_rfc_8216_4_3_3_2_the_sequence_begins_at_zero_and_stands_before_the_segments) {
    EXPECT_EQ(media(media_text("#EXTINF:2,\na.ts\n")).media_sequence, 0U);
    EXPECT_EQ(media(media_text("#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n")).media_sequence, UINT64_MAX);
    EXPECT_EQ(refusal(media_text("#EXT-X-MEDIA-SEQUENCE:18446744073709551616\n")),
              "a number is larger than 64 bits");
    EXPECT_EQ(refusal(media_text("#EXTINF:2,\na.ts\n#EXT-X-MEDIA-SEQUENCE:1\n")),
              "a sequence number stands behind the first segment");
    EXPECT_EQ(media(media_text("#EXT-X-DISCONTINUITY-SEQUENCE:4\n")).discontinuity_sequence, 4U);
}

TEST(M3u8Reader, row_0_21_rfc_8216_4_3_2_1_extinf_is_an_integer_or_a_decimal) {
    const struct {
        std::string_view text;
        Duration duration;
    } cases[] = {
        {"7", 7s},
        {"7,", 7s},
        {"7.975,", 7975ms},
        {"0,", 0s},
        {"2.0000001,a title, with a comma", 2000000100ns},
        {"2.12345678999,", 2123456789ns},
        {"1000000,", 1000000s},
    };
    for (const auto& [text, duration] : cases) {
        const MediaPlaylist list = media(media_text("#EXTINF:" + std::string{text} + "\na.ts\n"));
        ASSERT_EQ(list.segments.size(), 1U) << text;
        EXPECT_EQ(list.segments[0].duration, duration) << text;
    }
    EXPECT_EQ(media(media_text("#EXTINF:2,one, two\na.ts\n")).segments[0].title, "one, two");
    for (const std::string_view bad : {"", ",", "-1,", "+1,", "1e3,", " 2,", "2.,", ".5,", "inf,", "2.5x,"}) {
        EXPECT_NE(refusal(media_text("#EXTINF:" + std::string{bad} + "\na.ts\n")), "read") << bad;
    }
    EXPECT_EQ(refusal(media_text("#EXTINF:1000001,\na.ts\n")), "a duration is longer than a million seconds");
}

TEST(M3u8Reader, row_0_21_an_extinf_without_an_address_is_dropped) {
    const MediaPlaylist list = media(media_text("#EXTINF:3,\n\n#EXTINF:2,\na.ts\n#EXTINF:5,\n"));
    ASSERT_EQ(list.segments.size(), 1U);
    EXPECT_EQ(list.segments[0].duration, 2s);
    EXPECT_EQ(refusal(media_text("a.ts\n")), "an address has no EXTINF before it");
    EXPECT_EQ(refusal(media_text("#EXTINF:2,\na.ts\nb.ts\n")), "an address has no EXTINF before it");
}

TEST(M3u8Reader, row_0_22_rfc_8216_4_3_3_4_the_end_and_the_type_are_read) {
    EXPECT_TRUE(media(media_text("#EXT-X-ENDLIST\n")).ended);
    EXPECT_EQ(media(media_text("#EXT-X-PLAYLIST-TYPE:EVENT\n")).type, PlaylistType::event);
    EXPECT_EQ(media(media_text("#EXT-X-PLAYLIST-TYPE:VOD\n")).type, PlaylistType::vod);
    EXPECT_EQ(refusal(media_text("#EXT-X-PLAYLIST-TYPE:LIVE\n")),
              "EXT-X-PLAYLIST-TYPE is neither EVENT nor VOD");
}

TEST(M3u8Reader, rfc_8216_4_3_2_7_a_date_range_of_ours_says_that_the_publisher_ended) {
    const std::string ours = "#EXT-X-DATERANGE:ID=\"1\",CLASS=\"millrace.unpublished\",START-DATE=\"x\"\n";
    const MediaPlaylist list =
        media(media_text(ours + "#EXTINF:2,\na.ts\n" + ours +
                         "#EXTINF:2,\nb.ts\n"
                         "#EXT-X-DATERANGE:ID=\"2\",CLASS=\"ad\"\n#EXT-X-DATERANGE:=,\n"));
    ASSERT_EQ(list.segments.size(), 2U);
    EXPECT_TRUE(list.segments[0].unpublished);
    EXPECT_FALSE(list.segments[1].unpublished);
}

TEST(M3u8Reader, rfc_8216_4_3_2_5_a_map_counts_until_the_next) {
    const MediaPlaylist list =
        media(media_text("#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:2,\na.m4s\n#EXTINF:2,\nb.m4s\n"
                         "#EXT-X-MAP:URI=\"j.mp4\",BYTERANGE=\"600@8\"\n"
                         "#EXTINF:2,\nc.m4s\n"));
    ASSERT_EQ(list.segments.size(), 3U);
    EXPECT_EQ(list.segments[0].init->uri, "i.mp4");
    EXPECT_EQ(list.segments[1].init, list.segments[0].init);
    EXPECT_EQ(*list.segments[2].init, (InitSection{"j.mp4", ByteRange{600, 8}}));
}

TEST(M3u8Reader, rfc_8216_4_3_2_2_a_byte_range_goes_on_where_the_last_one_ended) {
    const MediaPlaylist list =
        media(media_text("#EXTINF:2,\n#EXT-X-BYTERANGE:100@50\na.ts\n"
                         "#EXT-X-BYTERANGE:30\n#EXTINF:2,\na.ts\n"));
    ASSERT_EQ(list.segments.size(), 2U);
    EXPECT_EQ(list.segments[1].range, (ByteRange{30, 150}));
    EXPECT_EQ(refusal(media_text("#EXTINF:2,\n#EXT-X-BYTERANGE:100\na.ts\n")),
              "a byte range has no offset, and none before it");
    EXPECT_EQ(refusal(media_text("#EXTINF:2,\n#EXT-X-BYTERANGE:1@18446744073709551615\na.ts\n")),
              "a byte range lies beyond 2^62");
}

TEST(M3u8Reader, rfc_8216_4_3_2_segment_tags_count_for_the_next_address_only) {
    const MediaPlaylist list =
        media(media_text("#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n"
                         "#EXT-X-PROGRAM-DATE-TIME:2010-02-19T14:54:23.031+08:00\n"
                         "#EXTINF:2,\na.ts\n#EXTINF:2,\nb.ts\n"));
    ASSERT_EQ(list.segments.size(), 2U);
    EXPECT_TRUE(list.segments[0].discontinuity && list.segments[0].gap);
    EXPECT_EQ(date_time(*list.segments[0].utc), "2010-02-19T06:54:23.031Z");
    EXPECT_FALSE(list.segments[1].discontinuity || list.segments[1].gap || list.segments[1].utc);
}

TEST(M3u8Reader, rfc_8216_4_3_2_4_encrypted_media_is_refused_in_words) {
    EXPECT_EQ(refusal(media_text("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n")), "encrypted media cannot be read");
    EXPECT_EQ(refusal(media_text("#EXT-X-KEY:METHOD=NONE\n")), "read");
}

TEST(M3u8Reader, rfc_8216_4_3_4_a_multivariant_list_has_renditions_and_variants) {
    const Result<Playlist> read = read_playlist(
        "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"one, two\",LANGUAGE=\"en\",DEFAULT=YES,"
        "CHANNELS=\"2\",URI=\"segments/a1.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1280000,AVERAGE-BANDWIDTH=1000000,CODECS=\"avc1.64001f,mp4a.40.2\","
        "RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO=\"aac\",X-OURS=0x1F\nsegments/v0.m3u8\n");
    ASSERT_TRUE(read);
    const auto& list = std::get<MultivariantPlaylist>(*read);
    EXPECT_TRUE(list.independent);
    ASSERT_EQ(list.renditions.size(), 1U);
    EXPECT_EQ(list.renditions[0].name, "one, two");
    EXPECT_TRUE(list.renditions[0].is_default && list.renditions[0].autoselect);
    ASSERT_EQ(list.variants.size(), 1U);
    EXPECT_EQ(list.variants[0].uri, "segments/v0.m3u8");
    EXPECT_EQ(list.variants[0].bandwidth, 1'280'000U);
    EXPECT_EQ(list.variants[0].codecs, "avc1.64001f,mp4a.40.2");
    EXPECT_EQ(list.variants[0].width, 1280U);
    EXPECT_DOUBLE_EQ(list.variants[0].frame_rate, 29.97);
    const Result<Playlist> again = read_playlist(write(list));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *read);
}

TEST(M3u8Reader, rfc_8216_4_1_a_list_is_of_one_kind) {
    EXPECT_EQ(refusal(media_text("#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n")),
              "tags of a media list and of a multivariant list stand in one");
}

TEST(M3u8Reader, row_0_13_a_multivariant_list_offers_at_least_one_variant) {
    EXPECT_EQ(refusal("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"), "a multivariant list offers nothing");
    EXPECT_EQ(refusal("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"1\"\n"),
              "a multivariant list offers nothing");
}

TEST(M3u8Reader, rfc_8216_4_2_attributes_keep_their_form) {
    const std::string_view bad[] = {"BANDWIDTH",
                                    "BANDWIDTH=",
                                    "BANDWIDTH=1,",
                                    "BANDWIDTH=1,,A=1",
                                    "bandwidth=1",
                                    "BANDWIDTH=1,BANDWIDTH=2",
                                    "BANDWIDTH=1,CODECS=\"avc1",
                                    "BANDWIDTH=1,CODECS=\"avc1\"x",
                                    "BANDWIDTH=1, CODECS=\"avc1\"",
                                    "BANDWIDTH=\"1\"",
                                    "CODECS=\"avc1\"",
                                    "BANDWIDTH=1,RESOLUTION=1280",
                                    "BANDWIDTH=1,RESOLUTION=1280x",
                                    "BANDWIDTH=-1"};
    for (const std::string_view attributes : bad) {
        const std::string text = "#EXTM3U\n#EXT-X-STREAM-INF:" + std::string{attributes} + "\nv.m3u8\n";
        EXPECT_NE(refusal(text), "read") << attributes;
    }
}

TEST(M3u8Reader, rfc_8216_4_3_2_6_dates_are_read_with_their_zone) {
    const struct {
        std::string_view text;
        std::int64_t microseconds;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01.5Z", 1'500'000},
        {"1970-01-01T00:00:00.123456789Z", 123'456},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1970-01-01T02:00:00+0200", 0},
        {"1969-12-31T23:00:00-01", 0},
        {"19700101T000000Z", 0},
        {"2000-02-29T00:00:00Z", 951'782'400'000'000},
    };
    for (const auto& [text, microseconds] : cases) {
        const Result<WallTime> utc = read_date_time(text);
        ASSERT_TRUE(utc) << text;
        EXPECT_EQ(utc->microseconds, microseconds) << text;
    }
    for (const std::string_view bad : {"", "2026", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
                                       "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
                                       "2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00Zx"}) {
        EXPECT_FALSE(read_date_time(bad)) << bad;
    }
}

TEST(M3u8Reader, sizes_and_counts_are_bounded) {
    using Limits = PlaylistLimits;
    EXPECT_EQ(refusal(media_text(std::string(Limits::text_size_max, '#'))), "the list is larger than 8 MB");
    EXPECT_EQ(refusal(media_text(std::string(Limits::lines_max, '\n'))),
              "the list has too many lines, or one too long");
    EXPECT_EQ(refusal(media_text('#' + std::string(Limits::line_size_max, '#'))),
              "the list has too many lines, or one too long");
    EXPECT_EQ(refusal(media_text("#EXTINF:2,\n" + std::string(Limits::uri_size_max + 1, 'a'))),
              "an address is longer than 4096 bytes");
    EXPECT_EQ(refusal(media_text("#EXTINF:2,\n" + std::string(Limits::uri_size_max / 2, '"'))),
              "an address is longer than 4096 bytes");
    std::string many;
    for (std::size_t i = 0; i <= Limits::segments_max; ++i) {
        many += "#EXTINF:2,\na\n";
    }
    EXPECT_EQ(refusal(media_text(many)), "the list has more than 100000 segments");
}

}   // namespace
}   // namespace millrace::hls
