#pragma once

#include "container/mp4_init.hpp"
#include "media/segment.hpp"

#include <vector>

namespace millrace::mp4 {

/// Makes CMAF segments: one part a track, chunks without styp, and its CMAF header. It remembers nothing, so
/// two packagers given the same units give the same names and bytes. Any thread.
class Packager {
public:
    bool carries(const media::Track& track) const { return mp4::carries(track); }

    /// Named `RUN/v0-<dts of the first unit>.m4s` and `RUN/v0-<hash of its bytes>.mp4`: v or a, then the
    /// track's id. Tracks that are not carried are left out.
    std::vector<media::SegmentPart> package(const media::SegmentUnits& units) const;
};

}   // namespace millrace::mp4
