#pragma once

#include "base/block_log.hpp"
#include "container/flv_programme.hpp"

namespace millrace::flv {

/// Writes one stream as FLV tags into a log: at most one video and one audio track, H.264, AAC and MP3 in the
/// classic form, H.265, AV1 and Opus in the enhanced one. Owned by a derived feed, on its home worker; the
/// log is the feed's.
class Muxer {
public:
    bool carries(const media::Track& track) const { return flv::carries(track); }

    /// Before the first write, and whenever a track came or its configuration changed: says it in band.
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    /// One tag, and once a second the capture time before it. A unit of another track, or larger than a tag
    /// can be, is left out.
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// The capture time where it is due before this unit; `write` calls it.
    void stamp(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// The end of the video sequence: another publisher's begins with its headers.
    void unpublished(BlockLog& log, Instant now) { end(log, now); }
    void end(BlockLog& log, Instant now);

    /// What a newcomer gets first: the file header.
    Bytes lead(std::span<const media::Track> tracks) const;
    /// What a newcomer gets next, and a reader that skipped: onMetaData and sequence headers, at the time of
    /// the last unit.
    Bytes resume() const;

private:
    Programme programme_;
};

}   // namespace millrace::flv
