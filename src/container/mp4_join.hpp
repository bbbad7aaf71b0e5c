#pragma once

#include "base/result.hpp"
#include "container/mp4_fragment.hpp"
#include "container/mp4_init.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// Parts of several codings as one file.
namespace millrace::mp4 {

/// Where a chunk goes in the joined file.
struct ChunkPlace {
    std::uint32_t track_number = 1;
    std::uint32_t entry = 1;       ///< its sample entry, counted from 1
    std::int64_t timescale = 1;    ///< ticks a second
    std::vector<std::byte> sets;   ///< what stands before a key frame's payload
};

/// Which track and sample entry each coding of the parts has. Pictures of one codec are one track, with a
/// sample entry for each coding; since most players heed only the first one, parameter sets stand before key
/// frames, too. What cannot go on in a track has one of its own: another codec, for no player takes two in a
/// track, and sound that is coded otherwise.
class JoinedMovie {
public:
    static constexpr std::size_t tracks_max = 8;
    static constexpr std::size_t entries_max = 64;   ///< of one track

    /// A part begins with this ftyp and moov: the number of its coding. Errc::malformed; exhausted: these are
    /// more codings than one file has.
    Result<std::size_t> add(ByteSpan init);

    /// ftyp and moov of the whole as a fragmented file.
    Bytes init(std::int64_t duration_ms) const { return joined_init_segment(tracks_, duration_ms); }
    /// Where the chunks of a part's track go, once every part was added; nothing for a track it does not
    /// have.
    std::optional<ChunkPlace> place(std::size_t coding, std::uint32_t track_number) const;
    /// What a part's chunk holds, told by what stands in front of its samples, [prft] moof and the header of
    /// mdat; offsets from the chunk's beginning. Errc::malformed: not such a chunk of one track.
    struct ChunkSamples {
        std::uint32_t track_number = 0;   ///< in the part
        std::vector<PlacedSample> samples;
        std::uint64_t bytes = 0;   ///< of all samples
    };
    Result<ChunkSamples> samples(std::size_t coding, ByteSpan head);
    const std::vector<CodedTrack>& tracks() const { return tracks_; }
    /// By how many bytes the sets before a key frame make it larger, at most.
    std::size_t sets_size_max() const;

private:
    /// A track of a part, and what it is in the whole.
    struct Joined {
        std::uint32_t number = 0;
        std::size_t track = 0;
        std::size_t entry = 0;
        bool operator==(const Joined&) const = default;
    };
    using Coding = std::vector<Joined>;

    Result<Joined> join(const media::Track& track, std::uint32_t number, const Coding& beside);

    std::vector<CodedTrack> tracks_;
    std::vector<Coding> codings_;
    std::vector<Movie> movies_;   // one a coding
};

/// What a chunk grows by beside its sets.
constexpr std::size_t moved_chunk_growth = 4;

/// How a chunk is moved.
struct ChunkMove {
    ChunkPlace place;
    std::int64_t shift = 0;     ///< in ticks: its times are later by that
    std::size_t sets_max = 0;   ///< sets that are longer are left out

    /// When something comes to be decoded.
    std::int64_t moved(std::int64_t ticks) const { return ticks + shift > 0 ? ticks + shift : 0; }
    /// What stands before the first sample.
    ByteSpan sets_before(bool key) const {
        return key && place.sets.size() <= sets_max ? ByteSpan{place.sets} : ByteSpan{};
    }
};

/// Writes a chunk, as `chunked` makes it, behind `out`; where it is a key frame its sets stand before it.
/// Errc::malformed: not such a chunk.
Result<> move_chunk(std::vector<std::byte>& out, ByteSpan chunk, const ChunkMove& move);

}   // namespace millrace::mp4
