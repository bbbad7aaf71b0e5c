#include "container/mp4_chunk.hpp"

#include "container/mp4_packager.hpp"
#include "container/mp4_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::mp4 {
namespace {

using media::Codec;

constexpr std::int64_t frame_25 = 3'600;   // ticks of a frame at 25 a second

std::vector<std::int64_t> durations(const ChunkedTrack& track) {
    std::vector<std::int64_t> all;
    for (const Chunk& chunk : track.chunks) {
        all.push_back(chunk.duration);
    }
    return all;
}

media::AccessUnitRef with(const media::AccessUnitRef& unit, auto change) {
    media::AccessUnit copy = *unit;
    change(copy);
    return std::make_shared<const media::AccessUnit>(std::move(copy));
}

TEST(Mp4Chunk, the_head_of_a_fragment_is_that_of_the_specification) {
    const media::Track track = samples::track(Codec::h264);
    std::vector<media::AccessUnit> units = samples::units(track, 1000);
    units[1].picture = media::PictureType::p;
    const Sample two[] = {{.unit = &units[0], .duration = 3600}, {.unit = &units[2], .duration = 3600}};
    const std::vector<std::byte> head =
        fragment_head({.track_number = 1, .sequence_number = 9, .samples = two});
    EXPECT_EQ(Bytes::copy(head), Bytes{flv::samples::from_hex("00000078 6d6f6f66"
                                                              "00000010 6d666864 00000000 00000009"
                                                              "00000060 74726166"
                                                              "00000010 74666864 00020000 00000001"
                                                              "00000014 74666474 01000000 0000000000015f90"
                                                              "00000034 7472756e 01000f01 00000002 00000080"
                                                              "00000e10 00000021 02000000 00000000"
                                                              "00000e10 0000000c 01010000 fffff1f0"
                                                              "00000035 6d646174")});
}

TEST(Mp4Chunk, whose_clock_it_is_stands_beside_the_time) {
    using Label = media::CaptureTime::Label;
    const media::Track track = samples::track(Codec::h264);
    const std::pair<Label, const char*> table[] = {
        {Label::capture, "01000018"}, {Label::sender, "01000000"}, {Label::arrival, "01000008"}};
    for (const auto& [label, flags] : table) {
        media::AccessUnit unit = samples::units(track, 1000).front();
        unit.pts += 7;
        unit.capture = {.utc = {1'763'646'000'250'000}, .label = label};
        const Sample sample{.unit = &unit, .duration = 3600};
        const std::vector<std::byte> head =
            fragment_head({.track_number = 1, .samples = {&sample, 1}, .with_time = true});
        EXPECT_EQ(Bytes::copy(samples::find(head, four_cc("prft"))),
                  Bytes{flv::samples::from_hex(std::string{flags} +
                                               "00000001 ecc998b0 40000000 0000000000015f97")});
    }
}

TEST(Mp4Chunk, a_chunk_is_at_most_200_ms_long) {
    const media::Track video = samples::track(Codec::h264);
    EXPECT_EQ(durations(chunked(samples::segment(video, 90'000, frame_25, 12))),
              (std::vector<std::int64_t>{18'000, 18'000, 7'200}));
    EXPECT_EQ(durations(chunked(samples::segment(video, 90'000, 3'003, 12))),
              (std::vector<std::int64_t>{15'015, 15'015, 6'006}));
    const media::Track audio = samples::track(Codec::aac);
    EXPECT_EQ(durations(chunked(samples::segment(audio, 0, 1024, 20))),
              (std::vector<std::int64_t>{8'192, 8'192, 4'096}));
}

TEST(Mp4Chunk, a_unit_longer_than_that_is_a_chunk_of_its_own) {
    const media::Track video = samples::track(Codec::h264);
    EXPECT_EQ(durations(chunked(samples::segment(video, 0, 90'000, 3))),
              (std::vector<std::int64_t>{90'000, 90'000, 90'000}));
}

TEST(Mp4Chunk, a_key_frame_begins_a_chunk) {
    media::SegmentTrack segment = samples::segment(samples::track(Codec::h264), 0, frame_25, 5);
    segment.units[3] = with(segment.units[3], [](media::AccessUnit& unit) { unit.key = true; });
    const ChunkedTrack track = chunked(segment);
    EXPECT_EQ(durations(track), (std::vector<std::int64_t>{10'800, 7'200}));
    EXPECT_TRUE(track.chunks[1].key);
    EXPECT_EQ(track.chunks[1].dts, 10'800);
}

TEST(Mp4Chunk, chunks_are_whole_fragments_and_all_of_the_segment) {
    media::SegmentTrack segment = samples::segment(samples::track(Codec::h264), 90'000, frame_25, 12);
    for (media::AccessUnitRef& one : segment.units) {
        one = with(one, [](media::AccessUnit& unit) { unit.capture.utc = {1 + unit.dts / 90}; });
    }
    segment.units[5] = with(segment.units[5], [](media::AccessUnit& unit) { unit.capture = {}; });
    const ChunkedTrack track = chunked(segment);
    std::size_t size = 0;
    for (const Chunk& chunk : track.chunks) {
        EXPECT_EQ(samples::tree(chunk.bytes), &chunk == &track.chunks[1]
                                                  ? "moof(mfhd traf(tfhd tfdt trun)) mdat"
                                                  : "prft moof(mfhd traf(tfhd tfdt trun)) mdat");
        ByteReader mfhd{samples::find(chunk.bytes, four_cc("mfhd"))};
        mfhd.skip(4);
        EXPECT_EQ(mfhd.u32(), chunk.dts / 90);
        size += chunk.bytes.size();
    }
    EXPECT_EQ(size, track.bytes.size());
    EXPECT_EQ(track.chunks.size(), 3U);
}

TEST(Mp4Packager, every_codec_comes_back_from_a_segment) {
    for (const Codec codec : {Codec::h264, Codec::h265, Codec::av1, Codec::aac, Codec::opus, Codec::mp3}) {
        const media::Track track = samples::track(codec);
        media::SegmentTrack segment{.track = track, .units = {}, .end = 0};
        for (const media::AccessUnit& unit : samples::units(track, 36'000'000)) {
            segment.units.push_back(std::make_shared<const media::AccessUnit>(unit));
        }
        segment.end = segment.units.back()->dts + track.config->timescale / 25;
        const media::SegmentUnits units{.run = "1763646000-1a2b3c4d", .cut = {}, .tracks = {segment}};
        const std::vector<media::SegmentPart> parts = Packager{}.package(units);
        ASSERT_EQ(parts.size(), 1U);
        const samples::Read read = samples::read_file(samples::joined({parts[0].init, parts[0].bytes}));
        ASSERT_EQ(read.error, "") << media::name(codec);
        ASSERT_EQ(read.units.size(), segment.units.size());
        for (std::size_t i = 0; i < read.units.size(); ++i) {
            EXPECT_EQ(read.units[i].payload, segment.units[i]->payload) << media::name(codec) << i;
            EXPECT_EQ(read.units[i].dts, segment.units[i]->dts);
            EXPECT_EQ(read.units[i].pts, segment.units[i]->pts);
            EXPECT_EQ(read.units[i].duration, segment.duration_of(i));
            EXPECT_EQ(read.units[i].key, segment.units[i]->key);
        }
    }
}

TEST(Mp4Packager, two_packagers_give_the_same_names_and_bytes) {
    const auto package = [] {
        media::SegmentUnits units{.run = "1763646000-1a2b3c4d", .cut = {}, .tracks = {}};
        units.tracks.push_back(samples::segment(samples::track(Codec::h264), 900'000, frame_25, 50));
        units.tracks.push_back(samples::segment(samples::track(Codec::aac), 441'000, 1024, 86));
        return Packager{}.package(units);
    };
    const std::vector<media::SegmentPart> one = package();
    const std::vector<media::SegmentPart> two = package();
    ASSERT_EQ(one.size(), 2U);
    for (std::size_t i = 0; i < one.size(); ++i) {
        EXPECT_EQ(one[i].name, two[i].name);
        EXPECT_EQ(one[i].bytes, two[i].bytes);
        EXPECT_EQ(one[i].init_name, two[i].init_name);
        EXPECT_EQ(one[i].init, two[i].init);
    }
    EXPECT_EQ(one[0].name, "1763646000-1a2b3c4d/v0-900000.m4s");
    EXPECT_EQ(one[1].name, "1763646000-1a2b3c4d/a1-441000.m4s");
    EXPECT_EQ(one[1].rendition, "a1");
    EXPECT_EQ(one[0].duration, 50 * frame_25);
    EXPECT_EQ(one[1].timescale, 44'100);
    EXPECT_TRUE(one[0].init_name.starts_with("1763646000-1a2b3c4d/v0-"));
    EXPECT_EQ(one[0].init_name.size(),
              std::string_view{"1763646000-1a2b3c4d/v0-0123456789abcdef.mp4"}.size());
}

TEST(Mp4Packager, another_configuration_has_another_header_name) {
    media::Track track = samples::track(Codec::aac);
    const auto init_name = [&track] {
        const media::SegmentUnits units{
            .run = "r", .cut = {}, .tracks = {samples::segment(track, 0, 1024, 2)}};
        return Packager{}.package(units).front().init_name;
    };
    const std::string before = init_name();
    track.config = std::make_shared<const media::TrackConfig>(
        flv::samples::sound(media::aac::config_from(flv::samples::from_hex("1190"))));
    EXPECT_NE(init_name(), before);
}

}   // namespace
}   // namespace millrace::mp4
