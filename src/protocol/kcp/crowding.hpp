#pragma once

#include "base/time.hpp"

namespace millrace::kcp {

/// Tells losses of a queue that overflows from those of chance: the queue is long where they happen, so round
/// trips are longer than usual then. Chance does not care. Pure; part of a PacedCongestion.
class Crowding {
public:
    /// Round trips of so long are usual, and of up to twice as long; while fewer of them are known, or none
    /// before, one that only rises would be taken for a queue that overflows.
    static constexpr Duration span = 5s;
    static constexpr double round_trips_min = 50;
    static constexpr Duration forgets_in = 15s;   ///< a loss counts less and less, a third after this
    static constexpr double losses_min = 4;
    /// What they are longer by in all, in standard deviations of that sum if chance were at work.
    static constexpr double deviations_min = 4;
    static constexpr double deviation_least = 1.5e-3;   ///< seconds, of a round trip; less is a clock's

    /// A round trip, of each datagram that tells one.
    void add(Duration round_trip, Instant now);
    /// Something was lost next to a datagram of that round trip. What is lost within `smoothed` is one loss.
    void lose(Duration round_trip, Duration smoothed, Instant now);
    /// Whether a queue overflows, again and again.
    bool found(Instant now) const;

private:
    struct Sum {
        double count = 0;
        double trips = 0;   // seconds
        double squares = 0;
        void add(double trip) {
            ++count;
            trips += trip;
            squares += trip * trip;
        }
    };
    double fades(Instant now) const;

    Sum current_;
    Sum before_;
    Instant began_;
    Instant lost_at_;
    double losses_ = 0;   // that count
    double longer_ = 0;   // deviations
};

}   // namespace millrace::kcp
