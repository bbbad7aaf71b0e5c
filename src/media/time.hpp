#pragma once

#include <cstdint>

namespace millrace::media {

/// The next whole number below a quotient. The divisor is positive.
template <class Whole>
constexpr std::int64_t floor_of(Whole dividend, std::int64_t divisor) {
    const Whole quotient = dividend / divisor;
    return static_cast<std::int64_t>(dividend % divisor < 0 ? quotient - 1 : quotient);
}

/// Whether `(value * to) * 2 + from` fits into 64 bits for sure, which divide a lot faster than 128.
constexpr bool is_small(std::int64_t value, std::int64_t from, std::int64_t to) {
    constexpr std::int64_t value_max = std::int64_t{1} << 41U;   // 25 days of microseconds
    constexpr std::int64_t timescale_max = std::int64_t{1} << 20U;
    return value < value_max && value > -value_max && to < timescale_max && from < timescale_max;
}

/// The one conversion between timescales: floor of `value * to / from`, exact.
constexpr std::int64_t rescale(std::int64_t value, std::int64_t from, std::int64_t to) {
    return is_small(value, from, to) ? floor_of(value * to, from)
                                     : floor_of(static_cast<__int128>(value) * to, from);
}

/// The same, to the nearest: between milliseconds and samples, where neither holds the other exactly.
constexpr std::int64_t rescale_nearest(std::int64_t value, std::int64_t from, std::int64_t to) {
    return is_small(value, from, to) ? floor_of(value * to * 2 + from, 2 * from)
                                     : floor_of(static_cast<__int128>(value) * to * 2 + from, 2 * from);
}

constexpr std::int64_t video_timescale = 90'000;
constexpr std::int64_t milliseconds_timescale = 1'000;

}   // namespace millrace::media
