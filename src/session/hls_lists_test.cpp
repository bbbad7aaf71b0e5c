#include "session/hls_lists.hpp"

#include "container/m3u8_reader.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

media::Track video(media::TrackId id = 0) {
    return {.id = id,
            .kind = media::Kind::video,
            .config = std::make_shared<const media::TrackConfig>(media::TrackConfig{
                .width = 1280, .height = 720, .frame_rate = 25, .codec_string = "avc1.64001f"})};
}

media::Track audio(media::TrackId id, media::Codec codec = media::Codec::aac, std::string language = {}) {
    const bool aac = codec == media::Codec::aac;
    return {.id = id,
            .kind = media::Kind::audio,
            .language = std::move(language),
            .config = std::make_shared<const media::TrackConfig>(
                media::TrackConfig{.codec = codec,
                                   .timescale = aac ? 44'100 : 48'000,
                                   .sample_rate = aac ? 44'100U : 48'000U,
                                   .channels = 2,
                                   .codec_string = aac ? "mp4a.40.2" : "opus"})};
}

media::SegmentPart part(const media::Track& track, std::int64_t begin, std::int64_t duration) {
    const std::string rendition = fmt::format("{}{}", track.kind == media::Kind::audio ? 'a' : 'v', track.id);
    media::SegmentPart part;
    part.tracks = {track};
    part.rendition = rendition;
    part.name = fmt::format("run/{}-{}.m4s", rendition, begin);
    part.init_name = fmt::format("run/{}-i.mp4", rendition);
    part.begin = begin;
    part.duration = duration;
    part.timescale = track.config->timescale;
    return part;
}

hub::SegmentEntryRef entry(std::uint64_t number, std::vector<media::SegmentPart> parts,
                           bool discontinuity = false) {
    auto made = std::make_shared<hub::SegmentEntry>();
    made->cut = {.number = number,
                 .discontinuity_sequence = 50,
                 .discontinuity = discontinuity,
                 .time = static_cast<std::int64_t>(number) * 180'000,
                 .utc = {static_cast<std::int64_t>(number) * 2'000'000}};
    made->parts = std::move(parts);
    return made;
}

hub::SegmentList one_video_list() {
    return {.segments = {entry(1, {part(video(), 180'000, 180'000)})}, .target_duration = 2};
}

/// What a list says, read back.
hls::MediaPlaylist media_of(const hub::SegmentList& list, std::string_view rendition,
                            const ListAddresses& addresses = {}) {
    const Result<std::string> text = media_list(list, rendition, addresses);
    EXPECT_TRUE(text);
    const Result<hls::Playlist> read = hls::read_playlist(text.value_or(""));
    EXPECT_TRUE(read);
    return read ? std::get<hls::MediaPlaylist>(*read) : hls::MediaPlaylist{};
}

hls::MultivariantPlaylist variants_of(const hub::SegmentList& list, const ListAddresses& addresses = {}) {
    const Result<hls::Playlist> read = hls::read_playlist(multivariant_list(list, addresses));
    EXPECT_TRUE(read);
    return read ? std::get<hls::MultivariantPlaylist>(*read) : hls::MultivariantPlaylist{};
}

TEST(HlsLists, a_media_list_says_what_the_hub_says) {
    hub::SegmentList list = one_video_list();
    list.segments.push_back(entry(2, {part(video(), 360'000, 180'000)}));
    const hls::MediaPlaylist text = media_of(list, "v0");
    EXPECT_EQ(text.target_duration, 2);
    EXPECT_EQ(text.media_sequence, 1U);
    EXPECT_TRUE(text.independent);
    EXPECT_FALSE(text.ended);
    ASSERT_EQ(text.segments.size(), 2U);
    EXPECT_EQ(text.segments[1].uri, "run/v0-360000.m4s");
    EXPECT_EQ(text.segments[1].duration, 2s);
    EXPECT_EQ(text.segments[1].init->uri, "run/v0-i.mp4");
    EXPECT_EQ(text.segments[1].utc->microseconds, 4'000'000);
    list.ended = true;
    list.independent = false;
    EXPECT_TRUE(media_of(list, "v0").ended);
    EXPECT_FALSE(media_of(list, "v0").independent);
}

TEST(HlsLists, row_0_20_a_discontinuity_keeps_its_number_while_its_tag_is_listed) {
    hub::SegmentList list{.segments = {entry(1, {part(video(), 180'000, 180'000)}, true)},
                          .target_duration = 2};
    EXPECT_EQ(media_of(list, "v0").discontinuity_sequence, 49U);
    EXPECT_TRUE(media_of(list, "v0").segments[0].discontinuity);
    list.segments = {entry(2, {part(video(), 360'000, 180'000)})};
    EXPECT_EQ(media_of(list, "v0").discontinuity_sequence, 50U);
}

TEST(HlsLists, row_1_25_the_sum_of_durations_does_not_drift_in_an_hour) {
    // 86 frames of 1024 samples at 44.1 kHz are no whole number of microseconds.
    constexpr std::int64_t frames = 86 * 1024;
    hub::SegmentList list{.target_duration = 2};
    for (std::uint64_t number = 0; number < 1800; ++number) {
        const auto begin = static_cast<std::int64_t>(number) * frames;
        list.segments.push_back(entry(number, {part(audio(1), begin, frames)}));
    }
    const hls::MediaPlaylist text = media_of(list, "a1");
    Duration sum{};
    for (const hls::MediaSegment& segment : text.segments) {
        sum += segment.duration;
        EXPECT_LE(std::chrono::abs(segment.duration - Duration{frames * 1'000'000'000 / 44'100}), 1us);
    }
    EXPECT_LE(std::chrono::abs(sum - Duration{frames * 1800 * 1'000'000'000 / 44'100}), 1us);
}

TEST(HlsLists, audio_has_the_date_of_its_own_first_frame) {
    const hub::SegmentList list{.segments = {entry(1, {part(audio(1), 88'641, 88'064)})},
                                .target_duration = 2};
    EXPECT_EQ(media_of(list, "a1").segments[0].utc->microseconds, 2'010'000);
}

TEST(HlsLists, a_segment_without_the_rendition_is_a_gap) {
    hub::SegmentList list = one_video_list();
    list.segments.push_back(entry(2, {part(video(), 360'000, 180'000), part(audio(1), 88'200, 88'200)}));
    const hls::MediaPlaylist text = media_of(list, "a1");
    EXPECT_EQ(text.version, 8U);
    ASSERT_EQ(text.segments.size(), 2U);
    EXPECT_TRUE(text.segments[0].gap);
    EXPECT_EQ(text.segments[0].duration, 2s);
    EXPECT_FALSE(text.segments[1].gap);
}

TEST(HlsLists, a_rendition_that_is_not_there_is_not_found) {
    const Result<std::string> text = media_list(one_video_list(), "v7", {});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Errc::not_found);
    EXPECT_FALSE(media_list({}, "v0", {}));
}

TEST(HlsLists, a_rendition_of_which_nothing_is_listed_now_is_gaps_and_no_404) {
    hub::SegmentList list = one_video_list();
    list.rates = {{"v0", {1'000'000, 800'000}}, {"a1", {128'000, 127'000}}};
    list.segments = {entry(1, {part(video(), 180'000, 180'000)}), entry(2, {})};
    const hls::MediaPlaylist text = media_of(list, "a1");
    ASSERT_EQ(text.segments.size(), 2U);
    EXPECT_TRUE(text.segments[0].gap && text.segments[1].gap);
    EXPECT_FALSE(media_list(list, "a2", {}));
}

TEST(HlsLists, children_keep_folder_and_query) {
    const hls::MediaPlaylist text = media_of(one_video_list(), "v0", {"segments/", "token=a%20b"});
    EXPECT_EQ(text.segments[0].uri, "segments/run/v0-180000.m4s?token=a%20b");
    EXPECT_EQ(text.segments[0].init->uri, "segments/run/v0-i.mp4?token=a%20b");
    hub::SegmentList list = one_video_list();
    list.tracks = {video(), audio(1)};
    const hls::MultivariantPlaylist lists = variants_of(list, {"segments/", "token=x"});
    EXPECT_EQ(lists.variants[0].uri, "segments/v0.m3u8?token=x");
    EXPECT_EQ(lists.renditions[0].uri, "segments/a1.m3u8?token=x");
}

TEST(HlsLists, row_0_13_a_variant_says_what_its_media_are) {
    hub::SegmentList list = one_video_list();
    list.tracks = {video(), audio(1, media::Codec::aac, "en"), audio(2, media::Codec::aac, "de")};
    list.rates = {{"v0", {1'000'000, 800'000}}, {"a1", {128'000, 127'000}}, {"a2", {64'000, 63'000}}};
    list.frame_rate = 29.97;
    const hls::MultivariantPlaylist lists = variants_of(list);
    ASSERT_EQ(lists.variants.size(), 1U);
    const hls::Variant& variant = lists.variants[0];
    EXPECT_GE(variant.bandwidth, 1'128'000U);
    EXPECT_LE(variant.bandwidth, 1'128'000U * 12 / 10);
    EXPECT_EQ(variant.average_bandwidth, 927'000U);
    EXPECT_EQ(variant.codecs, "avc1.64001f,mp4a.40.2");
    EXPECT_EQ(variant.width, 1280U);
    EXPECT_DOUBLE_EQ(variant.frame_rate, 29.97);
    ASSERT_EQ(lists.renditions.size(), 2U);
    EXPECT_EQ(lists.renditions[0].group, variant.audio);
    EXPECT_TRUE(lists.renditions[0].is_default);
    EXPECT_FALSE(lists.renditions[1].is_default);
    EXPECT_EQ(lists.renditions[1].language, "de");
    EXPECT_EQ(lists.renditions[0].channels, "2");
}

TEST(HlsLists, each_coding_of_audio_is_a_group_and_a_variant_of_its_own) {
    hub::SegmentList list = one_video_list();
    list.tracks = {video(), audio(1), audio(2, media::Codec::opus)};
    const hls::MultivariantPlaylist lists = variants_of(list);
    ASSERT_EQ(lists.variants.size(), 2U);
    EXPECT_EQ(lists.variants[0].codecs, "avc1.64001f,mp4a.40.2");
    EXPECT_EQ(lists.variants[1].codecs, "avc1.64001f,opus");
    EXPECT_NE(lists.variants[0].audio, lists.variants[1].audio);
}

TEST(HlsLists, audio_alone_and_video_alone_are_variants_without_a_group) {
    hub::SegmentList list = one_video_list();
    list.tracks = {audio(1)};
    const hls::MultivariantPlaylist sound = variants_of(list);
    ASSERT_EQ(sound.variants.size(), 1U);
    EXPECT_EQ(sound.variants[0].uri, "a1.m3u8");
    EXPECT_EQ(sound.variants[0].codecs, "mp4a.40.2");
    EXPECT_EQ(sound.variants[0].width, 0U);
    EXPECT_TRUE(sound.renditions.empty());
    list.tracks = {video()};
    const hls::MultivariantPlaylist picture = variants_of(list);
    ASSERT_EQ(picture.variants.size(), 1U);
    EXPECT_EQ(picture.variants[0].codecs, "avc1.64001f");
    EXPECT_TRUE(picture.variants[0].audio.empty());
}

}   // namespace
}   // namespace millrace::session
