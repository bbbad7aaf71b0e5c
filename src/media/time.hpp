#pragma once

#include <cstdint>

namespace millrace::media {

/// The one conversion between timescales: floor of `value * to / from`, exact in 128 bits.
constexpr std::int64_t rescale(std::int64_t value, std::int64_t from, std::int64_t to) {
    const __int128 product = static_cast<__int128>(value) * to;
    const __int128 quotient = product / from;
    return static_cast<std::int64_t>(product % from < 0 ? quotient - 1 : quotient);
}

/// The same, to the nearest: between milliseconds and samples, where neither holds the other exactly.
constexpr std::int64_t rescale_nearest(std::int64_t value, std::int64_t from, std::int64_t to) {
    const __int128 doubled = static_cast<__int128>(value) * to * 2 + from;
    const __int128 quotient = doubled / (2 * from);
    return static_cast<std::int64_t>(doubled % (2 * from) < 0 ? quotient - 1 : quotient);
}

constexpr std::int64_t video_timescale = 90'000;
constexpr std::int64_t milliseconds_timescale = 1'000;

}   // namespace millrace::media
