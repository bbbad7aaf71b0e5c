#pragma once

#include "media/access_unit.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::media {

/// Where a segment begins. Decided once, where the run is opened, and the same for every node and form: so
/// are numbers, names and times.
struct Cut {
    std::uint64_t number = 0;   ///< the first of a run: its start in Unix seconds; then one more each
    std::uint64_t discontinuity_sequence = 0;   ///< likewise, one more at each discontinuity
    bool discontinuity = false;                 ///< time or coding jumped here
    bool independent = true;                    ///< its video begins with a key frame
    std::int64_t time = 0;   ///< pts of its first picture (audio only: of its first frame), in:
    std::int64_t timescale = 90'000;
    WallTime utc;   ///< the same moment by the capture clock
};

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
    bool first = false;   ///< nothing before it was packaged by the same packager
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
    std::int64_t duration = 0;   ///< of its media; in:
    std::int64_t timescale = 90'000;
};

}   // namespace millrace::media
