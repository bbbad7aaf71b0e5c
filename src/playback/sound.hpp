#pragma once

#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace::playback {

/// All sound that is played is of this kind: 48 kHz, two channels after each other, 16 bits.
inline constexpr std::int64_t sound_rate = 48'000;
inline constexpr std::size_t sound_channels = 2;

constexpr Duration sound_duration(std::size_t frames) {
    return Duration{static_cast<std::int64_t>(frames) * 1'000'000'000 / sound_rate};
}
/// Whole frames (a sample of each channel); rounded down.
constexpr std::int64_t sound_frames(Duration time) {
    return time.count() * sound_rate / 1'000'000'000;
}

/// Samples that follow each other.
struct Sound {
    std::vector<std::int16_t> samples;
    Instant at;             ///< when the first of them is to be heard
    Duration stream_time;   ///< of the first of them

    std::size_t frames() const { return samples.size() / sound_channels; }
};

}   // namespace millrace::playback
