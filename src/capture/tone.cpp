#include "capture/tone.hpp"

#include "capture/test_picture.hpp"

#include <cmath>
#include <numbers>

namespace millrace::capture {

namespace {

constexpr double beep_hertz = 1000;
constexpr double beep_level = 0.5;
constexpr double hum_hertz = 220;
constexpr double hum_level = 0.01;
constexpr std::int64_t microseconds_a_second = 1'000'000;

}   // namespace

void play_tone(std::span<float> samples, std::uint32_t sample_rate, WallTime first) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
        // Whole hertz, so a phase counted from the full second goes on over it.
        const double since_second = static_cast<double>(first.microseconds % microseconds_a_second) / 1e6 +
                                    static_cast<double>(i) / sample_rate;
        const double in_second = since_second - std::floor(since_second);
        const double turn = 2 * std::numbers::pi * in_second;
        const double beep =
            in_second * 1000 < mark_milliseconds ? beep_level * std::sin(beep_hertz * turn) : 0;
        samples[i] = static_cast<float>(beep + hum_level * std::sin(hum_hertz * turn));
    }
}

}   // namespace millrace::capture
