#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <memory>

namespace millrace::media {

/// Where a segment begins. Decided once, where the run is opened, and the same for every node and form: so
/// are numbers, names and times.
struct Cut {
    std::uint64_t number = 0;   ///< the first of a run: its start in Unix seconds; then one more each
    std::uint64_t discontinuity_sequence = 0;   ///< from the run's start too; one more at each discontinuity
    bool discontinuity = false;                 ///< time or coding jumped here
    bool independent = true;                    ///< its video begins with a key frame
    std::int64_t time = 0;   ///< pts of its first picture (audio only: of its first frame), in:
    std::int64_t timescale = 90'000;
    WallTime utc;   ///< the same moment by the capture clock
};
using CutRef = std::shared_ptr<const Cut>;

}   // namespace millrace::media
