#pragma once

#include <cstdint>

namespace millrace::media {

/// The one conversion between timescales: floor of `value * to / from`, exact in 128 bits.
constexpr std::int64_t rescale(std::int64_t value, std::int64_t from, std::int64_t to) {
    const __int128 product = static_cast<__int128>(value) * to;
    const __int128 quotient = product / from;
    return static_cast<std::int64_t>(product % from < 0 ? quotient - 1 : quotient);
}

constexpr std::int64_t video_timescale = 90'000;
constexpr std::int64_t milliseconds_timescale = 1'000;

}   // namespace millrace::media
