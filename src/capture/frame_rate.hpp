#pragma once

#include "base/time.hpp"

namespace millrace::capture {

/// Frames a second as a fraction: 30/1, 30000/1001.
struct FrameRate {
    std::int64_t frames = 30;
    std::int64_t seconds = 1;

    bool operator==(const FrameRate&) const = default;
    double value() const { return static_cast<double>(frames) / static_cast<double>(seconds); }
    /// When frame `number` is due, counted from frame 0.
    Duration at(std::int64_t number) const;
    /// How many frames are due up to and with this moment, at least 0.
    std::int64_t due_by(Duration since_first) const;
};

}   // namespace millrace::capture
