#pragma once

#include "base/time.hpp"

#include <deque>
#include <optional>
#include <vector>

namespace millrace::apps {

/// A number over the last minute, for a graph. Own thread only.
class Minute {
public:
    static constexpr Duration span = 60s;
    /// More often than this nothing is kept.
    static constexpr Duration apart_min = 100ms;

    /// A place in the graph: from 0, a minute ago, to 1, now; and from 0 to 1 of `top`.
    struct Point {
        double across = 0;
        double up = 0;
    };

    /// Nothing: there was no number, and the line has a gap.
    void add(Instant at, std::optional<double> number);
    void clear() { samples_.clear(); }

    /// The lines, each without a gap, oldest first.
    std::vector<std::vector<Point>> lines(Instant now) const;
    /// What the graph reaches up to: 1, 2 or 5 times a power of ten, no less than the largest number; 0:
    /// there is none.
    double top() const;

private:
    struct Sample {
        Instant at;
        std::optional<double> number;
    };
    std::deque<Sample> samples_;
};

}   // namespace millrace::apps
