#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace millrace {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// A moment on the monotonic clock of this node. It says nothing about the time of day.
class Instant {
public:
    constexpr Instant() = default;
    static constexpr Instant from_nanoseconds(std::int64_t nanoseconds) { return Instant{nanoseconds}; }
    /// Later than every moment: "no deadline".
    static constexpr Instant never() { return Instant{INT64_MAX}; }

    constexpr std::int64_t nanoseconds() const { return nanoseconds_; }
    constexpr auto operator<=>(const Instant&) const = default;

    friend constexpr Instant operator+(Instant at, Duration by) {
        return at == never() ? at : Instant{at.nanoseconds_ + by.count()};
    }
    friend constexpr Instant operator-(Instant at, Duration by) { return at + -by; }
    friend constexpr Duration operator-(Instant a, Instant b) {
        return Duration{a.nanoseconds_ - b.nanoseconds_};
    }

private:
    explicit constexpr Instant(std::int64_t nanoseconds) : nanoseconds_{nanoseconds} {}
    std::int64_t nanoseconds_ = 0;
};

/// A moment in UTC, in microseconds since 1970. It may jump; order things by Instant instead.
struct WallTime {
    std::int64_t microseconds = 0;
    constexpr auto operator<=>(const WallTime&) const = default;
    constexpr std::int64_t seconds() const { return microseconds / 1'000'000; }
};

/// The seam to time: only `net` and the applications implement it with a real clock.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
    virtual WallTime utc() const = 0;
};

}   // namespace millrace
