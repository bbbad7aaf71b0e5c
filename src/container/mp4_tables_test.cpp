#include "container/mp4_tables.hpp"

#include "container/mp4_chunk.hpp"
#include "container/mp4_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::mp4 {
namespace {

/// Tracks of pictures (B-frames: shown 3600 ticks later) and of sound, a sample each.
std::vector<TabledTrack> two_tracks() {
    std::vector<TabledTrack> tracks(2);
    for (std::size_t at = 0; at < tracks.size(); ++at) {
        media::Track track = samples::track(at == 0 ? media::Codec::h264 : media::Codec::aac);
        track.id = static_cast<media::TrackId>(at);
        tracks[at].track = {.track = track, .codings = {track.config}};
    }
    return tracks;
}

std::vector<std::byte> head_of(std::vector<TabledTrack>& tracks, const ShownSpan& shown,
                               std::uint64_t media_size) {
    std::vector<std::byte> head;
    for (const Bytes& piece : progressive_head(tracks, shown, media_size)) {
        head.insert(head.end(), piece.begin(), piece.end());
    }
    return head;
}

/// The numbers of a table, without version and flags.
std::vector<std::uint32_t> numbers(ByteSpan head, FourCc type) {
    ByteReader reader{samples::find(head, type)};
    reader.skip(4);
    std::vector<std::uint32_t> found;
    while (!reader.at_end()) {
        found.push_back(reader.u32());
    }
    return found;
}

using Numbers = std::vector<std::uint32_t>;

TEST(Mp4Tables, they_say_of_each_sample_when_it_is_how_large_and_where) {
    std::vector<TabledTrack> tracks = two_tracks();
    tracks.pop_back();
    SampleTables& tables = tracks[0].tables;
    tables.add_chunk(100, 1);
    tables.add({.dts = 9'000, .pts = 12'600, .duration = 3'600, .size = 10, .key = true});
    tables.add({.dts = 12'600, .pts = 19'800, .duration = 3'600, .size = 11});
    tables.add_chunk(200, 2);
    tables.add({.dts = 99'000, .pts = 102'600, .duration = 3'600, .size = 12, .key = true});
    std::vector<std::byte> head = head_of(tracks, {12'600, 90'000}, 1000);
    EXPECT_EQ(numbers(head, four_cc("stts")), (Numbers{3, 1, 3'600, 1, 86'400, 1, 3'600}));
    EXPECT_EQ(numbers(head, four_cc("ctts")), (Numbers{3, 1, 3'600, 1, 7'200, 1, 3'600}));
    EXPECT_EQ(numbers(head, four_cc("stss")), (Numbers{2, 1, 3}));
    EXPECT_EQ(numbers(head, four_cc("stsc")), (Numbers{2, 1, 2, 1, 2, 1, 2}));
    EXPECT_EQ(numbers(head, four_cc("stsz")), (Numbers{0, 3, 10, 11, 12}));
    const auto size = static_cast<std::uint32_t>(head.size());
    EXPECT_EQ(numbers(head, four_cc("co64")), (Numbers{2, 0, size + 100, 0, size + 200}));
    head.resize(head.size() + 1000);
    EXPECT_EQ(samples::tree(head),
              "ftyp uuid moov(mvhd trak(tkhd edts mdia(mdhd hdlr minf(vmhd dinf(dref) "
              "stbl(stsd stts ctts stss stsc stsz co64))))) mdat");
}

TEST(Mp4Tables, what_is_shown_begins_with_a_moment_for_every_track_and_a_later_track_waits) {
    std::vector<TabledTrack> tracks = two_tracks();
    const std::int64_t rate = tracks[1].track.track.config->timescale;
    tracks[0].tables.add_chunk(0, 1);
    tracks[1].tables.add_chunk(50, 1);
    for (std::int64_t at = 0; at < 50; ++at) {
        tracks[0].tables.add({at * 3'600, at * 3'600 + 3'600, 3'600, 1, at == 0});
    }
    for (std::int64_t at = 0; at < 40; ++at) {
        tracks[1].tables.add({rate + at * 1'024, rate + at * 1'024, 1'024, 1, true});
    }
    const std::vector<std::byte> head = head_of(tracks, {45'000, 90'000, 1'500'000}, 90);
    std::vector<Numbers> edits;
    BoxPath path;
    (void)for_each_box(samples::find(head, four_cc("moov")), path, [&edits](const Box& box) -> Result<> {
        ByteReader reader{samples::find(box.body, four_cc("edts"))};
        reader.skip(box_header_size + 4);
        Numbers said;
        while (box.type == four_cc("trak") && !reader.at_end()) {
            said.push_back(reader.u32());
        }
        if (!said.empty()) {
            edits.push_back(std::move(said));
        }
        return {};
    });
    constexpr std::uint32_t rate_1 = 0x10000;
    constexpr std::uint32_t none = UINT32_MAX;
    ASSERT_EQ(edits.size(), 2U);
    EXPECT_EQ(edits[0], (Numbers{1, 0, 90'000, 0, 45'000, rate_1})) << "from 0.5 s to 1.5 s";
    EXPECT_EQ(edits[1], (Numbers{2, 0, 45'000, none, none, rate_1, 0, 45'000, 0, 0, rate_1}))
        << "nothing for half a second, then half a second from its beginning";
}

TEST(Mp4Tables, a_file_in_the_media_is_read_instead_of_the_tables) {
    const media::Track video = samples::track(media::Codec::h264);
    const Bytes init = init_segment({&video, 1}, ParameterSets::in_entry);
    const Bytes chunk = chunked(samples::segment(video, 0, 3'600, 4)).bytes;
    const std::vector<std::byte> inside = samples::joined({init, chunk});
    std::vector<TabledTrack> tracks = two_tracks();
    tracks.pop_back();
    tracks[0].tables.add_chunk(0, 1);
    tracks[0].tables.add({.duration = 3'600, .size = 1, .key = true});
    std::vector<std::byte> file = head_of(tracks, {}, inside.size());
    const std::size_t head_size = file.size();
    file.insert(file.end(), inside.begin(), inside.end());
    for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, file.size()}) {
        const samples::Read read = samples::read_file(file, piece);
        EXPECT_EQ(read.error, "");
        EXPECT_EQ(read.units.size(), 4U);
        EXPECT_EQ(read.opened.size(), 1U);
    }
    file.resize(head_size + init.size());
    EXPECT_NE(samples::read_file(file).error, "") << "its mdat is cut short";
}

TEST(Mp4Tables, long_ones_are_in_blocks_and_whole) {
    std::vector<TabledTrack> tracks = two_tracks();
    tracks.erase(tracks.begin());
    SampleTables& tables = tracks[0].tables;
    constexpr std::uint32_t count = 100'000;
    for (std::uint32_t at = 0; at < count; ++at) {
        tables.add_chunk(std::uint64_t{at} << 20U, 1);
        tables.add({at * 1'024, at * 1'024, 1'024, at, true});
    }
    EXPECT_LT(tables.size(), count * 13);
    const std::vector<std::byte> head = head_of(tracks, {}, std::uint64_t{count} << 20U);
    const Numbers sizes = numbers(head, four_cc("stsz"));
    ASSERT_EQ(sizes.size(), count + 2U);
    const Numbers offsets = numbers(head, four_cc("co64"));
    ASSERT_EQ(offsets.size(), 2 * count + 1U);
    for (std::uint32_t at = 0; at < count; ++at) {
        ASSERT_EQ(sizes[at + 2], at);
        ASSERT_EQ(std::uint64_t{offsets[2 * at + 1]} << 32U | offsets[2 * at + 2],
                  (std::uint64_t{at} << 20U) + head.size());
    }
}

}   // namespace
}   // namespace millrace::mp4
