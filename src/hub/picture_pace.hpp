#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace millrace::hub {

/// Lets through at most so many pictures a second, by their times in 90 kHz. Times of a source at that very
/// rate, rounded to milliseconds, all pass.
class PicturePace {
public:
    /// 0: all.
    explicit PicturePace(std::uint8_t fps) : step_{fps == 0 ? 0 : timescale / fps} {}

    bool passes(std::int64_t pts) {
        if (step_ == 0) {
            return true;
        }
        if (!due_ || pts < *due_ - 2 * step_) {
            due_ = pts;   // the first, or a step back
        }
        if (pts + slack() < *due_) {
            return false;
        }
        // Kept on its line, unless the source is slower than that.
        due_ = std::max(*due_, pts - step_ / 2) + step_;
        return true;
    }

private:
    static constexpr std::int64_t timescale = 90'000;
    std::int64_t slack() const { return std::min(step_ / 4, timescale / 500); }

    std::int64_t step_;
    std::optional<std::int64_t> due_;
};

}   // namespace millrace::hub
