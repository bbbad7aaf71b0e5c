#include "archive/chunker.hpp"

#include "archive/units_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::archive {
namespace {

std::vector<CutChunk> taken(Chunker& chunker) {
    std::vector<CutChunk> all;
    while (std::optional<CutChunk> one = chunker.next()) {
        all.push_back(std::move(*one));
    }
    return all;
}

TEST(Chunker, cuts_pictures_as_a_whole_segment_is_cut) {
    TestCamera camera{false};
    Chunker chunker;
    media::SegmentTrack segment{.track = camera.video, .units = {}, .end = 25 * 3600};
    for (int picture = 0; picture <= 25; ++picture) {
        for (const media::AccessUnitRef& unit : camera.next({1})) {
            chunker.take(unit);
            if (picture < 25) {
                segment.units.push_back(unit);
            }
        }
    }
    const std::vector<CutChunk> made = taken(chunker);
    const mp4::ChunkedTrack whole = mp4::chunked(segment);
    ASSERT_EQ(made.size(), whole.chunks.size());
    for (std::size_t at = 0; at < made.size(); ++at) {
        EXPECT_EQ(made[at].chunk.dts, whole.chunks[at].dts);
        EXPECT_EQ(made[at].chunk.duration, whole.chunks[at].duration);
        EXPECT_EQ(made[at].chunk.bytes, whole.chunks[at].bytes);
        EXPECT_EQ(made[at].begins, at == 0);
    }
}

TEST(Chunker, begins_each_fragment_with_its_key_frame_and_loses_no_unit) {
    TestCamera camera;
    Chunker chunker;
    std::size_t units = 0;
    for (int picture = 0; picture < 110; ++picture) {
        for (const media::AccessUnitRef& unit : camera.next({1})) {
            chunker.take(unit);
            ++units;
        }
    }
    chunker.finish();
    std::size_t in_chunks = 0;
    std::uint64_t fragments = 0;
    media::CutRef under_way;
    std::map<media::TrackId, std::int64_t> ends;
    for (const CutChunk& one : taken(chunker)) {
        in_chunks += one.units;
        EXPECT_EQ(one.begins, one.cut != under_way) << "a fragment's chunks lie together";
        if (one.begins) {
            EXPECT_EQ(one.track.kind, media::Kind::video);
            EXPECT_TRUE(one.chunk.key);
            ++fragments;
        }
        under_way = one.cut;
        if (ends.contains(one.track.id)) {
            EXPECT_EQ(one.chunk.dts, ends[one.track.id]) << "chunks of a track join";
        }
        ends[one.track.id] = one.chunk.dts + one.chunk.duration;
        EXPECT_LE(one.chunk.duration * 1000 / one.track.config->timescale, mp4::chunk_ms_max);
    }
    EXPECT_EQ(fragments, 5U);
    EXPECT_EQ(in_chunks, units);
}

TEST(Chunker, does_not_keep_a_slow_tracks_newest_unit_waiting) {
    TestCamera camera{false};
    Chunker chunker;
    chunker.take(camera.next({1}).front());
    chunker.finish_quiet();
    EXPECT_TRUE(taken(chunker).empty()) << "it came since the last look";
    chunker.finish_quiet();
    const std::vector<CutChunk> made = taken(chunker);
    ASSERT_EQ(made.size(), 1U);
    EXPECT_TRUE(made.front().begins);
    chunker.take(camera.next({1}).front());
    chunker.finish();
    const std::vector<CutChunk> more = taken(chunker);
    ASSERT_EQ(more.size(), 1U);
    EXPECT_FALSE(more.front().begins);
    EXPECT_EQ(more.front().cut, made.front().cut);
}

TEST(Chunker, begins_with_the_first_cut) {
    TestCamera camera;
    Chunker chunker;
    media::AccessUnit early = *camera.next({1}).back();
    early.cut = nullptr;
    chunker.take(std::make_shared<const media::AccessUnit>(early));
    chunker.finish();
    EXPECT_TRUE(taken(chunker).empty());
}

}   // namespace
}   // namespace millrace::archive
