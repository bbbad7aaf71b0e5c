#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace millrace {

/// How far another node's clock is ahead of ours, by the exchange of four times that NTP uses (RFC 5905 §8).
/// Of the last eight samples the one that was on its way for the shortest time is believed (§10); a sample
/// that cannot be true together with it means that a clock was set, and all before it are forgotten.
class ClockOffset {
public:
    static constexpr std::size_t samples_max = 8;

    /// One question and its answer.
    struct Sample {
        WallTime asked;      ///< our clock
        WallTime received;   ///< theirs
        WallTime answered;   ///< theirs
        WallTime returned;   ///< ours
    };
    /// Theirs minus ours lies within `ahead` ± `uncertainty`, while both clocks run alike.
    struct Estimate {
        Duration ahead{};
        Duration uncertainty{};
    };

    /// What ran backwards is no sample and changes nothing.
    void add(const Sample& sample) {
        const Duration out = sample.received.microseconds * 1us - sample.asked.microseconds * 1us;
        const Duration back = sample.answered.microseconds * 1us - sample.returned.microseconds * 1us;
        if (sample.returned < sample.asked || sample.answered < sample.received || out < back) {
            return;
        }
        const Estimate newest{(out + back) / 2, (out - back) / 2};
        if (const std::optional<Estimate> best = estimate(); best && contradict(*best, newest)) {
            count_ = 0;
        }
        samples_[count_++ % samples_max] = newest;
    }

    /// Nothing before the first sample.
    std::optional<Estimate> estimate() const {
        if (count_ == 0) {
            return std::nullopt;
        }
        const std::size_t kept = std::min(count_, samples_max);
        return *std::min_element(
            samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(kept),
            [](const Estimate& a, const Estimate& b) { return a.uncertainty < b.uncertainty; });
    }

private:
    /// Beyond what drift could do between eight samples.
    static bool contradict(const Estimate& a, const Estimate& b) {
        constexpr Duration drift = 5ms;
        const Duration apart = a.ahead < b.ahead ? b.ahead - a.ahead : a.ahead - b.ahead;
        return apart > a.uncertainty + b.uncertainty + drift;
    }

    std::array<Estimate, samples_max> samples_{};
    std::size_t count_ = 0;   // of samples since the clocks were last set
};

}   // namespace millrace
