#pragma once

#include "base/block_log.hpp"
#include "container/flv_programme.hpp"

namespace millrace::rtmp {

/// Writes one stream as RTMP messages into a log, with the bodies of flv::Muxer. All
/// players share them, so each is told the chunk size 32,000 and plays on message stream 1. Each message
/// starts with a full header, so any message end is an entrance. Owned by a derived feed, on its home worker;
/// the log is the feed's.
class Muxer {
public:
    bool carries(const media::Track& track) const { return flv::carries(track); }

    /// Before the first write, and whenever a track came or its configuration changed: says it in band.
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    /// One message, and once a second the capture time before it. A unit of another track, or larger than a
    /// message can be, is left out.
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// The capture time where it is due before this unit; `write` calls it.
    void stamp(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// NetStream.Play.UnpublishNotify: this publisher ended, another may follow.
    void unpublished(BlockLog& log, Instant now);
    /// StreamEOF and NetStream.Play.Stop.
    void end(BlockLog& log, Instant now);

    /// Nothing: the handshake and the answers to `play` are each conversation's own.
    Bytes lead(std::span<const media::Track>) const { return {}; }
    /// onMetaData and sequence headers, at the time of the last unit.
    Bytes resume() const;

private:
    flv::Programme programme_;
};

}   // namespace millrace::rtmp
