#pragma once

#include "base/bytes.hpp"
#include "media/access_unit.hpp"
#include "media/segment.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::mp4 {

/// One access unit in a movie fragment.
struct Sample {
    const media::AccessUnit* unit = nullptr;
    std::int64_t duration = 0;   ///< in ticks of the track
    /// What stands in the file before the unit's payload: parameter sets in band, an AV1 sequence header.
    ByteSpan prefix;
    std::size_t size() const { return prefix.size() + unit->payload.size(); }
};

/// A movie fragment of one track before it is written. `samples` is not empty and holds units of `track`.
struct Fragment {
    std::uint32_t track_number = 1;
    std::uint32_t sequence_number = 0;
    std::span<const Sample> samples;
    bool with_time = false;   ///< a producer reference time of the first sample stands before it
};

/// [prft] moof and the header of mdat: all that stands before the samples' bytes.
std::vector<std::byte> fragment_head(const Fragment& fragment);

/// What stands in an AV1 key frame before the unit's payload: AV1-ISOBMFF §2.4 wants the sequence header in
/// each sync sample. Empty for any other.
ByteSpan sequence_header_before(const media::AccessUnit& unit);

/// The parameter sets of H.264 and H.265 as they stand in a key frame in front of the unit's payload, where
/// they are not those that a player has read; empty for any other codec.
std::vector<std::byte> sets_in_band(const media::TrackConfig& config);

/// A CMAF chunk (ISO/IEC 23000-19 §7.3.2.3): [prft] moof mdat of one track. Its bytes are a function of the
/// units and their durations alone: two nodes that have the same units write the same chunk.
struct Chunk {
    std::int64_t dts = 0;   ///< of its first unit; these two in the track's timescale
    std::int64_t duration = 0;
    bool key = false;   ///< begins with a key frame
    Bytes bytes;
};

/// One track of a segment in chunks, which share the memory of `bytes` and are all of it.
struct ChunkedTrack {
    Bytes bytes;
    std::vector<Chunk> chunks;
};

/// Chunks are at most so long, where a single unit is not longer.
constexpr std::int64_t chunk_ms_max = 200;
/// And at most so large, where a single unit is not larger.
constexpr std::size_t chunk_bytes_max = std::size_t{64} << 20U;

/// A chunk ends before the unit that would make it longer than chunk_ms_max, counted from the chunk's own
/// first unit, and before each key frame of video; so the segment's first unit settles every border. Each
/// chunk has the producer reference time of its first unit, if there is one: so it is the same chunk in a
/// segment, in the archive and in a proof.
///
/// The sequence number of a fragment is its dts in milliseconds modulo 2^32: it needs no memory of what was
/// written before, and grows from chunk to chunk (14496-12 §8.8.5 asks no more) for 49 days of a run.
ChunkedTrack chunked(const media::SegmentTrack& track);

}   // namespace millrace::mp4
