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
    return media::rescale(ticks, timescale, flicks_a_second);
}

}   // namespace millrace::hub
