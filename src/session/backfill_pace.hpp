#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <optional>

namespace millrace::session {

/// How much of an uplink's backfill may leave: below a cap, nothing while live media waits for its link, and
/// less where the path's queues grow, whosever packets fill them. Pure; one owner.
class BackfillPace {
public:
    static constexpr Duration look_every = 50ms;
    static constexpr Duration live_waits_from = 100ms;   ///< media older than this waits for the link
    static constexpr Duration queue_wanted_max = 40ms;   ///< a round trip so much above the shortest
    static constexpr double rate_first = 4e6;            ///< bits a second
    static constexpr double rate_min = 500e3;
    static constexpr double rate_max = 200e6;   ///< where the configuration names none

    /// A link's round trip, now and at its shortest; nothing: not known.
    struct Trip {
        Duration now{};
        Duration least{};
        Duration queue() const { return least > 0ns && now > least ? now - least : 0ns; }
    };
    struct Sight {
        Duration live_waits{};   ///< the oldest media that waits for the live link
        std::optional<Trip> live{};
        Trip own{};
        bool wants_more = false;   ///< what it may send leaves, and more waits
    };

    /// Bits a second; 0: none said.
    explicit BackfillPace(std::uint64_t cap)
        : cap_{cap == 0 ? rate_max : static_cast<double>(cap)}, rate_{std::min(rate_first, cap_)} {}

    /// Bytes that may leave from now to the next look.
    std::size_t look(const Sight& sight, Instant now) {
        const double seconds = std::chrono::duration<double>(
                                   looked_at_ ? std::min(now - *looked_at_, 2 * look_every) : look_every)
                                   .count();
        looked_at_ = now;
        const Duration queue = std::max(sight.own.queue(), sight.live ? sight.live->queue() : Duration{});
        if (sight.live_waits > live_waits_from) {
            rate_ /= 2;
        } else if (queue > 2 * queue_wanted_max) {
            rate_ *= 0.7;
        } else if (queue > queue_wanted_max) {
            rate_ *= 0.9;
        } else if (sight.wants_more) {
            rate_ *= 1.15;
        }
        rate_ = std::clamp(rate_, std::min(rate_min, cap_), cap_);
        constexpr double bits = 8;
        return sight.live_waits > live_waits_from ? 0 : static_cast<std::size_t>(rate_ * seconds / bits);
    }
    /// Bits a second.
    double rate() const { return rate_; }

private:
    double cap_;
    double rate_;
    std::optional<Instant> looked_at_;
};

}   // namespace millrace::session
