#pragma once

#include "media/segment.hpp"
#include "protocol/link/message.hpp"
#include "protocol/media_link/known_tracks.hpp"

#include <array>
#include <deque>

namespace millrace::link {

/// A chunk is at most of so many units, of whatever track, and of about so many bytes.
inline constexpr std::size_t chunk_units_max = 256;
inline constexpr std::size_t chunk_bytes_max = 8U << 20U;

/// The CMAF chunk of these units, with its producer reference time, as a hash of its bytes: a function of the
/// units and of when the last one ends, and of nothing else. They are of one track and one configuration.
ChunkHash chunk_hash(std::span<const media::AccessUnitRef> units, std::int64_t end);

/// SHA-256 of these bytes, one behind the other.
ChunkHash hash_of(std::span<const ByteSpan> parts);

/// Cuts the units that are sent into chunks, each of one track, at most 200 ms and before each key frame of
/// pictures (mp4::chunked), and says each one's hash as soon as it is known where it ends. One owner.
class ChunkProver {
public:
    /// Before or after the unit was sent: the proof is of units before this one.
    std::optional<ChunkProof> take(const media::AccessUnit& unit);
    /// Nothing follows: what is open ends where its last unit says.
    std::vector<ChunkProof> finish();

private:
    using Lane = std::vector<media::AccessUnitRef>;

    static bool is_full(const Lane& lane);
    static bool begins_anew(const Lane& lane, const media::AccessUnit& unit);
    static ChunkProof close(Lane& lane, std::size_t count, std::int64_t end);

    std::array<Lane, media_link::tracks_max> lanes_;
};

/// Makes the same chunks of the units that came, and compares. It keeps the units of chunks that are not
/// closed yet, `kept_max` a track and `kept_bytes_max` in all. One owner.
class ChunkChecker {
public:
    static constexpr std::size_t kept_max = 2 * chunk_units_max;
    static constexpr std::size_t kept_bytes_max = 3 * chunk_bytes_max;

    struct Counters {
        std::uint64_t proven = 0;
        std::uint64_t different = 0;
        std::uint64_t incomplete = 0;   ///< it began, or was skipped, inside
        bool operator==(const Counters&) const = default;
    };

    void take(const media::AccessUnit& unit);
    void take(const ChunkProof& proof);
    const Counters& counters() const { return counters_; }

private:
    using Lane = std::deque<media::AccessUnitRef>;

    void drop(Lane& lane, std::size_t count);

    std::array<Lane, media_link::tracks_max> lanes_;
    std::size_t bytes_ = 0;   // of all payloads kept
    Counters counters_;
};

}   // namespace millrace::link
