#pragma once

#include "base/time.hpp"

namespace millrace::sim {

/// A machine's clocks: the monotonic one is the world's, the time of day goes wrong as the scenario says.
class MachineClock final : public Clock {
public:
    explicit MachineClock(const Clock& world) : world_{world} {}

    Instant now() const override { return world_.now(); }
    WallTime utc() const override { return utc_at(now()); }
    /// What it shows, or will show if nobody sets it, at a moment.
    WallTime utc_at(Instant at) const {
        const std::int64_t true_us = world_.utc().microseconds + (at - world_.now()) / 1us;
        return {true_us + ahead_ / 1us + (at - set_at_) / 1us * drift_ppm_ / 1'000'000};
    }
    /// It jumps.
    void jump(Duration by) {
        set(ahead_ + Duration{(now() - set_at_) * drift_ppm_ / 1'000'000} + by, drift_ppm_);
    }
    void set_drift(std::int64_t ppm) {
        set(ahead_ + Duration{(now() - set_at_) * drift_ppm_ / 1'000'000}, ppm);
    }

private:
    void set(Duration ahead, std::int64_t drift_ppm) {
        ahead_ = ahead;
        drift_ppm_ = drift_ppm;
        set_at_ = now();
    }

    const Clock& world_;
    Duration ahead_{};   // at `set_at_`
    std::int64_t drift_ppm_ = 0;
    Instant set_at_;
};

}   // namespace millrace::sim
