#pragma once

#include "base/block_log.hpp"
#include "container/flv_programme.hpp"
#include "protocol/rtmp/message.hpp"

namespace millrace::rtmp {

/// Who reads a log: players, or servers to which this node publishes on the message stream that they gave.
struct Readers {
    bool servers = false;
    std::uint32_t stream_id = the_stream_id;
};

/// Writes one stream as RTMP messages into a log, with the bodies of flv::Muxer. All
/// players share them, so each is told the chunk size 32,000 and plays on message stream 1. Each message
/// starts with a full header, so any message end is an entrance. Owned by a derived feed, on its home worker;
/// the log is the feed's.
class Muxer {
public:
    Muxer() = default;
    explicit Muxer(Readers readers) : readers_{readers} {}

    bool carries(const media::Track& track) const { return flv::carries(track); }

    /// Before the first write, and whenever a track came or its configuration changed: says it in band.
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    /// One message, and once a second the capture time before it. A unit of another track, or larger than a
    /// message can be, is left out.
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// The capture time where it is due before this unit; `write` calls it.
    void stamp(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// NetStream.Play.UnpublishNotify: this publisher ended, another may follow. To servers: deleteStream.
    void unpublished(BlockLog& log, Instant now);
    /// StreamEOF and NetStream.Play.Stop. To servers: deleteStream.
    void end(BlockLog& log, Instant now);

    /// Nothing: the handshake and the answers to `play` are each conversation's own.
    Bytes lead(std::span<const media::Track>) const { return {}; }
    /// onMetaData and sequence headers, at the time of the last unit.
    Bytes resume() const;

private:
    template <class Append>
    void lay_out_programme(const flv::Message& message, Append append) const;
    void log_media(const flv::Message& message, BlockLog& log, Instant now) const;
    void log_end(BlockLog& log, Instant now) const;

    Readers readers_;
    flv::Programme programme_;
};

}   // namespace millrace::rtmp
