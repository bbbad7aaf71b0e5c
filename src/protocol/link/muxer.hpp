#pragma once

#include "base/block_log.hpp"
#include "protocol/link/chunk_proofs.hpp"

namespace millrace::link {

/// Writes one stream as messages of the link into a log: tracks, units as they are made, where segments
/// begin, and each chunk's hash once it is closed. Owned by a derived feed, on its home worker; the log is
/// the feed's.
class Muxer {
public:
    bool carries(const media::Track& track) const {
        return track.id < media_link::tracks_max && track.config != nullptr;
    }
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    /// A unit that is larger than a message can be is left out.
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    void message(const media::TimedMessage& message, BlockLog& log, Instant now) { say(message, log, now); }
    void unpublished(BlockLog& log, Instant now);
    void end(BlockLog& log, Instant now) { unpublished(log, now); }
    Bytes lead(std::span<const media::Track>) const { return {}; }
    /// The tracks as they are.
    Bytes resume() const { return tracks_; }

private:
    void say(const Message& message, BlockLog& log, Instant now);

    Bytes tracks_;
    std::uint32_t since_cut_ = 0;   // units
    ChunkProver prover_;
    std::vector<std::byte> scratch_;
};

}   // namespace millrace::link
