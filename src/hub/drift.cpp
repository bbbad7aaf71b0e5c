#include "hub/drift.hpp"

#include <algorithm>

namespace millrace::hub {

namespace {

/// Share of what the lag varies that the line must explain.
constexpr double straight_min = 0.9;

double milliseconds(Duration span) {
    return std::chrono::duration<double, std::milli>(span).count();
}

}   // namespace

void Drift::restart() {
    points_.clear();
    first_.reset();
}

void Drift::count(Duration time, Instant arrival) {
    const Duration lag = Duration{arrival.nanoseconds()} - time;
    if (!first_) {
        first_ = opened_ = arrival;
        base_ = least_ = lag;
    }
    if (arrival - opened_ >= window) {
        const Duration middle = opened_ - *first_ + window / 2;
        points_.push_back({milliseconds(middle) / 60'000, milliseconds(least_ - base_)});
        if (points_.size() > windows_max) {
            points_.pop_front();
        }
        opened_ = arrival;
        least_ = lag;
    }
    least_ = std::min(least_, lag);
}

std::optional<double> Drift::milliseconds_per_minute() const {
    if (points_.size() < windows_min) {
        return std::nullopt;
    }
    const auto count = static_cast<double>(points_.size());
    double x = 0;
    double y = 0;
    for (const Point& point : points_) {
        x += point.minutes / count;
        y += point.lag_ms / count;
    }
    double xx = 0;
    double xy = 0;
    double yy = 0;
    for (const Point& point : points_) {
        xx += (point.minutes - x) * (point.minutes - x);
        xy += (point.minutes - x) * (point.lag_ms - y);
        yy += (point.lag_ms - y) * (point.lag_ms - y);
    }
    const double slope = xy / xx;
    // A queue that fills once, or a step, rises too, but lies badly on a line.
    if (xy * xy < straight_min * xx * yy) {
        return std::nullopt;
    }
    return slope;
}

}   // namespace millrace::hub
