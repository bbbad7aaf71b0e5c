#pragma once

#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::media {

/// What one track has in a segment.
struct SegmentTrack {
    Track track;   ///< with the configuration that all its units share
    std::vector<AccessUnitRef> units;
    /// When the last unit ends: the dts of the track's first unit in the next segment, or, where nothing
    /// follows, the last dts and its duration. In the track's timescale.
    std::int64_t end = 0;

    std::int64_t begin() const { return units.front()->dts; }
    std::int64_t duration() const { return end - begin(); }
    /// How long unit `i` is shown, in the track's timescale.
    std::int64_t duration_of(std::size_t i) const {
        return (i + 1 < units.size() ? units[i + 1]->dts : end) - units[i]->dts;
    }
};

/// The access units of one segment, before any form: what a packager makes bytes of. Tracks without a unit in
/// it are left out.
struct SegmentUnits {
    std::string run;   ///< the run's identity as it stands in names: "1763646000-1a2b3c4d"
    Cut cut;
    std::vector<SegmentTrack> tracks;
    double lasts = 0;     ///< seconds, of one that is not all here: it then has no tracks
    bool first = false;   ///< nothing before it was packaged by the same packager
    std::vector<TimedMessage>
        messages{};   ///< of its pictures, by their times; only for forms that have them
};

/// A downloadable piece of a segment in one form: a track of it, or all its tracks multiplexed.
struct SegmentPart {
    std::vector<Track> tracks;   ///< what it carries
    std::string rendition;       ///< which media list it stands in: "v0", "a1", "ts"
    std::string
        name;   ///< last parts of its address, unique for its bytes: "1763646000-1a2b3c4d/v0-900000.m4s"
    Bytes bytes;
    std::string init_name;   ///< of what must be read before it; empty: nothing
    Bytes init;
    std::int64_t begin = 0;      ///< decode time of its first unit, and
    std::int64_t duration = 0;   ///< of its media; in:
    std::int64_t timescale = 90'000;
};

}   // namespace millrace::media
