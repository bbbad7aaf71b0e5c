#pragma once

#include <cstdint>

namespace millrace::hub {

/// What this node's own camera did since it was started, as who captures says it once a second.
/// captured = encoded + dropped_slow + dropped_asked + broken + what is on its way.
struct CameraReport {
    std::uint64_t captured = 0;
    std::uint64_t encoded = 0;
    std::uint64_t dropped_slow = 0;       ///< the encoder was not ready for them
    std::uint64_t dropped_asked = 0;      ///< whole GOPs, left out because the link takes less
    std::uint64_t broken = 0;             ///< as they came; they could not be decoded
    std::uint64_t moments_missed = 0;     ///< that had no picture: the machine stood still
    std::uint32_t pictures_waiting = 0;   ///< for the encoder, now
    std::uint32_t units_waiting = 0;      ///< coded, for the node, now

    bool operator==(const CameraReport&) const = default;
};

}   // namespace millrace::hub
