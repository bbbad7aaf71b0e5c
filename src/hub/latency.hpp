#pragma once

#include "base/time.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace millrace::hub {

/// How long things took, as others see it.
struct LatencyReport {
    static constexpr std::array bounds_ms{10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10'000, 30'000};
    /// How many took at most as long as each bound, since the start; Prometheus' `le`.
    std::array<std::uint64_t, bounds_ms.size()> at_most{};
    std::uint64_t count = 0;
    double sum_seconds = 0;
    /// Of the last ten to twenty seconds; 0: nothing was counted then.
    double p50_seconds = 0;
    double p95_seconds = 0;
};

/// Counts how long units were on their way. Counting costs a few instructions and no memory. Own thread only.
class LatencyMeter {
public:
    static constexpr Duration window = 10s;
    /// Longer is no latency but a clock that is wrong, and is not counted.
    static constexpr Duration longest = 10min;

    /// From `from` until `to`; where the clocks say that it took less than nothing, it took nothing.
    void count(WallTime from, WallTime to);
    LatencyReport report(WallTime now) const;

private:
    /// Four steps to each power of two of milliseconds.
    static constexpr std::size_t steps = 84;
    using Steps = std::array<std::uint32_t, steps>;
    static std::size_t step_of(std::int64_t milliseconds);
    static double seconds_of(std::size_t step);
    static double quantile(const Steps& a, const Steps& b, double share);

    LatencyReport total_;   // but for the quantiles; `at_most` counts each bound's own share here
    std::array<Steps, 2> recent_{};
    std::int64_t window_ = 0;   // number of the window that recent_[window_ % 2] counts
};

}   // namespace millrace::hub
