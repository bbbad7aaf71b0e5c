#include "hub/latency.hpp"

#include <algorithm>
#include <bit>

namespace millrace::hub {

namespace {

constexpr std::int64_t window_us = LatencyMeter::window / 1us;

}   // namespace

std::size_t LatencyMeter::step_of(std::int64_t milliseconds) {
    if (milliseconds < 4) {
        return static_cast<std::size_t>(milliseconds);
    }
    const auto value = static_cast<std::uint64_t>(milliseconds);
    const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;
    return std::min(power * 4 - 4 + (value >> (power - 2) & 3U), steps - 1);
}

/// The middle of a step.
double LatencyMeter::seconds_of(std::size_t step) {
    if (step < 4) {
        return static_cast<double>(step) / 1000;
    }
    const std::size_t power = (step + 4) / 4;
    const double width = static_cast<double>(std::uint64_t{1} << (power - 2));
    const double low = width * static_cast<double>(4 + (step + 4) % 4);
    return (low + (width - 1) / 2) / 1000;
}

void LatencyMeter::count(WallTime from, WallTime to) {
    const std::int64_t microseconds = std::max<std::int64_t>(to.microseconds - from.microseconds, 0);
    if (microseconds > longest / 1us) {
        return;
    }
    const std::int64_t now = to.microseconds / window_us;
    if (now != window_) {
        recent_[static_cast<std::size_t>(now & 1)].fill(0);
        if (now != window_ + 1) {
            recent_[static_cast<std::size_t>(~now & 1)].fill(0);
        }
        window_ = now;
    }
    const std::int64_t milliseconds = microseconds / 1000;
    ++recent_[static_cast<std::size_t>(now & 1)][step_of(milliseconds)];
    const auto bound = std::ranges::find_if(LatencyReport::bounds_ms, [microseconds](int bound_ms) {
        return microseconds <= bound_ms * std::int64_t{1000};
    });
    if (bound != LatencyReport::bounds_ms.end()) {
        ++total_.at_most[static_cast<std::size_t>(bound - LatencyReport::bounds_ms.begin())];
    }
    ++total_.count;
    total_.sum_seconds += static_cast<double>(microseconds) / 1e6;
}

double LatencyMeter::quantile(const Steps& a, const Steps& b, double share) {
    std::uint64_t count = 0;
    for (std::size_t step = 0; step < steps; ++step) {
        count += a[step] + b[step];
    }
    const double wanted = static_cast<double>(count) * share;
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < steps && count > 0; ++step) {
        seen += a[step] + b[step];
        if (static_cast<double>(seen) >= wanted) {
            return seconds_of(step);
        }
    }
    return 0;
}

LatencyReport LatencyMeter::report(WallTime now) const {
    LatencyReport report = total_;
    for (std::size_t i = 1; i < report.at_most.size(); ++i) {
        report.at_most[i] += report.at_most[i - 1];
    }
    // What was counted is of this window and the one before, or too old to be said.
    const std::int64_t age = now.microseconds / window_us - window_;
    static constexpr Steps nothing{};
    const auto newer = static_cast<std::size_t>(window_ & 1);
    const Steps& a = age <= 1 ? recent_[newer] : nothing;
    const Steps& b = age <= 0 ? recent_[1 - newer] : nothing;
    report.p50_seconds = quantile(a, b, 0.5);
    report.p95_seconds = quantile(a, b, 0.95);
    return report;
}

}   // namespace millrace::hub
