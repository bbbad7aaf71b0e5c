#pragma once

#include "base/time.hpp"
#include "media/time.hpp"

#include <cstdint>

namespace millrace::hub {

/// A unit in which milliseconds, 90 kHz and every usual sample rate are whole numbers: times of tracks with
/// different timescales compare exactly.
using Flicks = std::int64_t;
constexpr Flicks flicks_a_second = 705'600'000;

constexpr Flicks flicks(Duration span) {
    return media::rescale(span.count(), 1'000'000'000, flicks_a_second);
}
constexpr Flicks flicks(std::int64_t ticks, std::int64_t timescale) {
    const std::int64_t in_a_tick = flicks_a_second / timescale;
    // Nearly always a whole number: then nothing is divided in 128 bits.
    return in_a_tick * timescale == flicks_a_second
               ? static_cast<Flicks>(static_cast<__int128>(ticks) * in_a_tick)
               : media::rescale(ticks, timescale, flicks_a_second);
}

}   // namespace millrace::hub
