#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>

namespace millrace::archive {

/// What UTC a moment of a run had: the capture clock when the run began, and from then on the media's own
/// time, so that recordings neither overlap nor run backwards when somebody sets the clock. Follows a clock
/// that drifts, not one that jumps.
class RunClock {
public:
    static constexpr std::int64_t follow_us_max = 1'000'000;   ///< differences beyond are jumps
    static constexpr std::int64_t step_us_max = 2'000;         ///< with each segment: 500 ppm and more

    /// A segment begins at `media_us`, and the capture clock says `utc`.
    void learn(std::int64_t media_us, WallTime utc) {
        const std::int64_t offset = utc.microseconds - media_us;
        const std::int64_t off = offset - offset_us_.value_or(offset);
        correction_us_ = std::abs(off) > follow_us_max ? off : 0;
        offset_us_ = offset_us_.value_or(offset) +
                     (correction_us_ != 0 ? 0 : std::clamp(off, -step_us_max, step_us_max));
    }
    WallTime at(std::int64_t media_us) const { return {media_us + offset_us_.value_or(0)}; }
    /// How far the capture clock has jumped away since.
    std::int64_t correction_us() const { return correction_us_; }

private:
    std::optional<std::int64_t> offset_us_;
    std::int64_t correction_us_ = 0;
};

}   // namespace millrace::archive
