#include "apps/desktop/minute.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::apps {

namespace {

/// 1, 2 or 5 times a power of ten.
double round_up(double number) {
    constexpr double ten = 10;
    const double power = std::pow(ten, std::floor(std::log10(number)));
    for (const double step : {1.0, 2.0, 5.0}) {
        // What lies on a step but for rounding stays there.
        if (number <= step * power * (1 + 1e-9)) {
            return step * power;
        }
    }
    return ten * power;
}

}   // namespace

void Minute::add(Instant at, std::optional<double> number) {
    if (!samples_.empty() && at - samples_.back().at < apart_min) {
        return;
    }
    samples_.push_back({at, number});
    while (at - samples_.front().at > span) {
        samples_.pop_front();
    }
}

std::vector<std::vector<Minute::Point>> Minute::lines(Instant now) const {
    std::vector<std::vector<Point>> lines;
    const double most = top();
    bool open = false;
    for (const Sample& sample : samples_) {
        const double age = std::chrono::duration<double>(now - sample.at) / span;
        if (!sample.number || age > 1) {
            open = false;
            continue;
        }
        if (!std::exchange(open, true)) {
            lines.emplace_back();
        }
        lines.back().push_back({.across = 1 - age, .up = most > 0 ? *sample.number / most : 0});
    }
    return lines;
}

double Minute::top() const {
    double most = 0;
    for (const Sample& sample : samples_) {
        most = std::max(most, sample.number.value_or(0));
    }
    return most > 0 ? round_up(most) : 0;
}

}   // namespace millrace::apps
