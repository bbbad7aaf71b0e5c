#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::rtsp {

/// What the header Range says (RFC 2326 §12.29): from when to when, in the time of what is played (npt, §3.6)
/// or on the clock on the wall (clock, §3.7).
struct Range {
    /// Later than anything is recorded, and as far as a moment goes: about three centuries.
    static constexpr std::int64_t microseconds_max = std::int64_t{1} << 53U;

    enum class Unit : std::uint8_t { npt, clock };
    Unit unit = Unit::npt;
    /// npt: microseconds from the beginning; clock: since 1970, UTC. Nothing: where it is now.
    std::optional<std::int64_t> from_us;
    std::optional<std::int64_t> to_us;   ///< likewise; nothing: to the end
    bool operator==(const Range&) const = default;
};

/// One range; what stands behind a ';' (§12.29: when to begin) is not looked at. Errors in words:
/// Errc::unsupported for frames (smpte) and other units, malformed for what is none, or ends before it
/// begins.
Result<Range> read_range(std::string_view text);
/// "npt=10.250-20.000", "clock=20261120T140932.250Z-", "npt=now-".
std::string write(const Range& range);

/// How fast, in thousandths of real time (§12.34).
using Scale = std::int32_t;
inline constexpr Scale real_time = 1'000;
inline constexpr Scale scale_min = real_time / 4;
inline constexpr Scale scale_max = 32 * real_time;
/// "2", "0.5": the nearest that is played. Errc::malformed for what is no number, unsupported for backwards
/// and standing still.
Result<Scale> read_scale(std::string_view text);
/// "2", "0.25".
std::string write_scale(Scale scale);

}   // namespace millrace::rtsp
