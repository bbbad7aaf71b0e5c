#pragma once

#include "base/time.hpp"

#include <deque>
#include <optional>

namespace millrace::hub {

/// How a publisher's clock runs against ours. Of each stretch of `window` it keeps the unit that came soonest
/// after its own time, which a network's moods delay least, and lays a straight line through those. Owned by
/// Stream; no allocation but one a window.
class Drift {
public:
    static constexpr Duration window = 10s;
    static constexpr std::size_t windows_min = 6;   ///< no word before a minute
    static constexpr std::size_t windows_max = 30;

    /// A unit with `time` on the stream's timeline came at `arrival`.
    void count(Duration time, Instant arrival);
    /// The timeline jumped: what was measured says nothing about what follows.
    void restart();
    /// Milliseconds that our clock gains on the publisher's in a minute: positive where the publisher's is
    /// slow. Nothing while it is not known, or lost in the network's moods.
    std::optional<double> milliseconds_per_minute() const;

private:
    struct Point {
        double minutes;
        double lag_ms;   // of arrival behind time
    };
    std::deque<Point> points_;
    std::optional<Instant> first_;
    Instant opened_;
    Duration least_{};   // lag, in the window under way
    Duration base_{};    // lag of the very first unit
};

}   // namespace millrace::hub
