#include "container/mp4_reader.hpp"

#include "container/mp4_muxer.hpp"
#include "container/mp4_samples.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace millrace::mp4 {
namespace {

using media::Codec;
using Out = std::vector<std::byte>;

/// Video and audio as the muxer writes them.
Out programme() {
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    Muxer muxer{Period::restarts};
    BlockLog log;
    muxer.configure(tracks, log, {});
    for (const media::Track& track : tracks) {
        for (const media::AccessUnit& unit : samples::units(track, 1000)) {
            muxer.write(unit, log, {});
        }
    }
    return samples::joined({muxer.lead(tracks), samples::bytes_of(log)});
}

Out audio_init() {
    const media::Track track = samples::track(Codec::aac);
    const Bytes init = init_segment({&track, 1}, ParameterSets::in_entry);
    return samples::joined({init});
}

/// One box of hexadecimal bytes.
Out box(std::string_view type, std::string_view hex) {
    Out out;
    ByteWriter writer{out};
    const Out body = flv::samples::from_hex(hex);
    writer.u32(static_cast<std::uint32_t>(body.size() + box_header_size));
    writer.text(type);
    writer.bytes(body);
    return out;
}

Out box(std::string_view type, std::initializer_list<ByteSpan> parts) {
    Out out;
    ByteWriter writer{out};
    const Out body = samples::joined(parts);
    writer.u32(static_cast<std::uint32_t>(body.size() + box_header_size));
    writer.text(type);
    writer.bytes(body);
    return out;
}

/// The audio init segment, then these boxes.
samples::Read read_after_init(std::initializer_list<ByteSpan> boxes) {
    return samples::read_file(samples::joined({audio_init(), samples::joined(boxes)}));
}

TEST(Mp4Reader, a_file_may_be_cut_at_every_byte) {
    const Out file = programme();
    const samples::Read whole = samples::read_file(file);
    ASSERT_EQ(whole.error, "");
    ASSERT_EQ(whole.units.size(), 7U);
    for (std::size_t piece = 1; piece < 64; ++piece) {
        const samples::Read read = samples::read_file(file, piece);
        ASSERT_EQ(read.error, "") << piece;
        ASSERT_EQ(read.units.size(), whole.units.size());
        for (std::size_t i = 0; i < whole.units.size(); ++i) {
            EXPECT_EQ(read.units[i].payload, whole.units[i].payload);
            EXPECT_EQ(read.units[i].dts, whole.units[i].dts);
        }
    }
}

TEST(Mp4Reader, a_file_that_ends_early_is_told_so) {
    const Out file = programme();
    std::size_t complete = 0;
    for (std::size_t size = 0; size <= file.size(); ++size) {
        const samples::Read read = samples::read_file(ByteSpan{file}.first(size));
        complete += read.error.empty() ? 1 : 0;
        EXPECT_TRUE(read.error.empty() || read.error.contains("the file ends")) << read.error;
    }
    // Nothing, ftyp, moov, and each of seven fragments.
    EXPECT_EQ(complete, 10U);
}

TEST(Mp4Reader, damage_is_an_error_and_nothing_worse) {
    media::damage(programme(), [](ByteSpan damaged) { (void)samples::read_file(damaged); });
}

constexpr std::string_view mfhd_hex = "00000000 00000001";
constexpr std::string_view tfhd_hex = "00020000 00000002";

TEST(Mp4Reader, case_90_a_broken_file_is_an_error_that_names_the_box) {
    const Out tfhd = box("tfhd", tfhd_hex);
    const Out one_trun = box("trun", "00000301 00000001 00000040 00000400 00000004");
    const auto moof = [](std::initializer_list<ByteSpan> traf) { return box("moof", {box("traf", traf)}); };
    const auto table = [](std::string_view type, std::string_view hex) {
        return box("moov", {box("trak", {box("mdia", {box("minf", {box("stbl", {box(type, hex)})})})})});
    };
    struct Case {
        Out bytes;
        const char* error;
    };
    const Case cases[] = {
        {flv::samples::from_hex("00000000 6d6f6f66"), "moof: a box of size 0 that is not the last"},
        {flv::samples::from_hex("00000001 6d6f6f66 0000000000000001"), "moof: a box smaller than its header"},
        {flv::samples::from_hex("00000007 6d6f6f66"), "moof: a box smaller than its header"},
        {flv::samples::from_hex("00000001 6d646174 ffffffffffffffff"), "mdat: a box larger than any file"},
        {flv::samples::from_hex("00000020 66726565 00000000"), "free: the file ends inside a box"},
        {flv::samples::from_hex("7fffffff 6d6f6f66"), "moof: a box too large to be read whole"},
        {box("moof", {box("moof", "")}), "moof/moof: a box that stands in no other"},
        {moof({tfhd, box("moof", "")}), "moof/traf/moof: a box that stands in no other"},
        {table("stsz", "00000000 00000000 ffffffff"),
         "moov/trak/mdia/minf/stbl/stsz: more samples than it has bytes"},
        {table("stsc", "00000000 00000001 00000001 00000000 00000001"),
         "moov/trak/mdia/minf/stbl/stsc: a chunk of no samples"},
        {table("stsc", "00000000 ffffffff"), "moov/trak/mdia/minf/stbl/stsc: more entries than it has bytes"},
        {moof({one_trun}), "moof/traf/trun: no tfhd before it"},
        {moof({box("tfdt", "01000000 0000000000000000")}), "moof/traf/tfdt: no tfhd before it"},
        {moof({box("tfhd", "00020000 00000009")}), "moof/traf/tfhd: a track that the moov does not have"},
        {moof({tfhd, box("trun", "00000301 ffffffff 00000040")}),
         "moof/traf/trun: more samples than it has bytes"},
        {moof({tfhd, box("trun", "00000001 ffffffff 00000040")}),
         "moof/traf/trun: too many samples in a fragment"},
        {moof({tfhd, box("tfdt", "01000000 ffffffffffffffff")}),
         "moof/traf/tfdt: a decode time beyond belief"},
        {moof({tfhd, box("trun", "00000301 00000001 00000001 00000400 00000004")}),
         "moof: samples that overlap, or stand before the fragment"},
        {moof({tfhd, box("trun", "00000301 00000001 80000000 00000400 00000004")}),
         "moof/traf/trun: data before the file"},
        {moof({tfhd, box("trun", "00000301 00000001 00000040 00000400 7fffffff")}),
         "moof/traf/trun: a sample too large"},
        {box("sidx", "00000000 00000001 0000ac44 00000000 00000000 0000 0001 80000000 00000000 00000000"),
         "sidx: a circular index"},
        {box("sidx", "00000000 00000001 0000ac44 00000000 00000000 0000 ffff"),
         "sidx: more references than it has bytes"},
        {samples::joined({moof({tfhd, one_trun}), moof({tfhd, one_trun})}),
         "moof: the samples of the fragment before it did not come"},
        {samples::joined({moof({tfhd, one_trun}), box("mdat", "00")}), "mdat: a sample not wholly inside it"},
    };
    for (const Case& broken : cases) {
        const samples::Read read = read_after_init({broken.bytes});
        EXPECT_EQ(read.error, broken.error);
        EXPECT_EQ(samples::read_file(samples::joined({audio_init(), broken.bytes}), 1).error, broken.error);
    }
    EXPECT_EQ(samples::read_file(moof({tfhd, one_trun})).error, "moof: no moov before it");
}

TEST(Mp4Reader, a_progressive_file_is_for_ffmpeg) {
    Out init = audio_init();
    const std::size_t stsz = as_text(init).find("stsz");
    ASSERT_NE(stsz, std::string_view::npos);
    overwrite_u32(init, stsz + 8, 1000);    // a size for all
    overwrite_u32(init, stsz + 12, 1000);   // samples
    EXPECT_EQ(samples::read_file(init).error,
              "moov: a progressive file: only fragmented MP4 is read here, use FFmpeg");
    Out no_mvex = audio_init();
    overwrite_u32(no_mvex, as_text(no_mvex).find("mvex"), four_cc("free"));
    EXPECT_EQ(samples::read_file(no_mvex).error,
              "moov: a progressive file: only fragmented MP4 is read here, use FFmpeg");
}

TEST(Mp4Reader, defaults_offsets_and_versions_of_other_writers_are_understood) {
    // Two runs, the second without an offset of its own; sizes and durations by default; track 2 is the
    // audio.
    const Out tfhd = box("tfhd", "00020018 00000002 00000400 00000002");
    const Out tfdt = box("tfdt", "00000000 00001000");
    const Out first = box("trun", "00000001 00000002 00000000");
    const Out second = box("trun", "00000000 00000001");
    Out moof = box("moof", {box("mfhd", mfhd_hex), box("traf", {tfhd, tfdt, first, second})});
    const auto offset = static_cast<std::uint32_t>(moof.size() + box_header_size);
    overwrite_u32(moof, as_text(moof).find("trun") + 12, offset);
    const samples::Read read = read_after_init({moof, box("mdat", "2100 2101 2102 ffff")});
    ASSERT_EQ(read.error, "");
    ASSERT_EQ(read.units.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(read.units[i].dts, 0x1000 + 1024 * static_cast<std::int64_t>(i));
        EXPECT_EQ(read.units[i].payload.span()[1], static_cast<std::byte>(i));
    }
}

TEST(Mp4Reader, data_that_runs_to_the_end_of_the_file_is_read) {
    Out file = programme();
    const std::size_t last = as_text(file).rfind("mdat");
    overwrite_u32(file, last - 4, 0);
    const samples::Read read = samples::read_file(file);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.units.size(), 7U);
}

TEST(Mp4Reader, boxes_behind_the_configuration_record_change_nothing) {
    const media::Track track = samples::track(Codec::h264);
    const Bytes init = init_segment({&track, 1}, ParameterSets::in_entry);
    Out file(init.begin(), init.end());
    const Out pasp = box("pasp", "00000001 00000001");
    constexpr std::string_view around[] = {"moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1"};
    for (const std::string_view name : around) {
        const std::size_t at = as_text(file).find(name) - 4;
        ByteReader size{ByteSpan{file}.subspan(at)};
        overwrite_u32(file, at, size.u32() + static_cast<std::uint32_t>(pasp.size()));
    }
    const std::size_t behind = as_text(file).find("stts") - 4;
    file.insert(file.begin() + static_cast<std::ptrdiff_t>(behind), pasp.begin(), pasp.end());
    const samples::Read read = samples::read_file(file);
    ASSERT_EQ(read.error, "");
    EXPECT_TRUE(read.opened.at(0).tracks.at(0).config->same_coding(*track.config));
}

TEST(Mp4Reader, an_edit_list_moves_the_times) {
    // The media begins 1024 ticks in; then half a second of nothing before it (movie timescale 1000).
    const std::pair<const char*, std::int64_t> lists[] = {
        {"00000000 00000001 00000000 00000400 00010000", 44'100 - 1024},
        {"00000000 00000002 000001f4 ffffffff 00010000 00000000 00000000 00010000", 44'100 + 22'050}};
    for (const auto& [list, expected] : lists) {
        const media::Track track = samples::track(Codec::aac);
        Muxer muxer;
        BlockLog log;
        muxer.configure({&track, 1}, log, {});
        muxer.write(samples::units(track, 1000).front(), log, {});
        Out file = audio_init();
        const Out edts = box("edts", {box("elst", list)});
        const std::size_t trak = as_text(file).find("trak");
        const std::size_t moov = as_text(file).find("moov");
        for (const std::size_t at : {trak, moov}) {
            ByteReader size{ByteSpan{file}.subspan(at - 4)};
            overwrite_u32(file, at - 4, size.u32() + static_cast<std::uint32_t>(edts.size()));
        }
        file.insert(file.begin() + static_cast<std::ptrdiff_t>(trak + 4), edts.begin(), edts.end());
        const samples::Read read = samples::read_file(samples::joined({file, samples::bytes_of(log)}));
        ASSERT_EQ(read.error, "");
        ASSERT_EQ(read.units.size(), 1U);
        EXPECT_EQ(read.units[0].dts, expected);
    }
}

TEST(Mp4Reader, a_sample_that_is_no_frame_is_left_out) {
    const media::Track track = samples::track(Codec::h264);
    std::vector<media::AccessUnit> sent = samples::units(track, 0);
    sent[1].payload = Bytes{flv::samples::from_hex("000000ff 41")};   // a length beyond the sample
    Muxer muxer{Period::restarts};
    BlockLog log;
    muxer.configure({&track, 1}, log, {});
    for (const media::AccessUnit& unit : sent) {
        muxer.write(unit, log, {});
    }
    const samples::Read read =
        samples::read_file(samples::joined({muxer.lead({&track, 1}), samples::bytes_of(log)}));
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.refused, 1U);
    EXPECT_EQ(read.units.size(), 3U);
}

TEST(Mp4Reader, encrypted_files_are_refused_by_name) {
    Out init = audio_init();
    overwrite_u32(init, as_text(init).find("mp4a"), four_cc("enca"));
    EXPECT_EQ(samples::read_file(init).error, "moov/trak/mdia/minf/stbl/stsd/enca: encrypted samples");
}

TEST(Mp4Reader, a_track_of_an_unknown_codec_is_left_out) {
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    Out file = programme();
    overwrite_u32(file, as_text(file).find("avc1"), four_cc("vp08"));
    const samples::Read read = samples::read_file(file);
    EXPECT_EQ(read.error, "");
    ASSERT_EQ(read.opened.size(), 1U);
    EXPECT_EQ(read.opened[0].tracks.size(), 1U);
    EXPECT_EQ(read.units.size(), 3U);
    overwrite_u32(file, as_text(file).find("mp4a"), four_cc("ac-3"));
    EXPECT_EQ(samples::read_file(file).error, "moov: no track of a codec we carry");
}

}   // namespace
}   // namespace millrace::mp4
