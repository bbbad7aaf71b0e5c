#pragma once

#include "base/time.hpp"

#include <span>

namespace millrace::capture {

/// The synthetic camera's sound: a beep of 1 kHz at each full second of UTC, as long as the picture's white
/// square, over a faint hum that shows that sound is there.
void play_tone(std::span<float> samples, std::uint32_t sample_rate, WallTime first);

}   // namespace millrace::capture
