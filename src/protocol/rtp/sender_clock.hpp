#pragma once

#include "protocol/rtp/packet.hpp"

#include <optional>

namespace millrace::rtp {

/// What a sender's reports say about the time of its RTP clock. Reports that disagree a little (the clocks of
/// a camera drift against each other) bend the line over slew_time, so that nothing jumps; one that disagrees
/// by more than step_min moves it at once. Owned by a Receiver.
class SenderClock {
public:
    static constexpr Duration slew_time = 5s;
    static constexpr Duration step_min = 250ms;

    explicit SenderClock(std::uint32_t clock_rate) : clock_rate_{clock_rate} {}

    /// `timestamp` without wraps.
    void report(NtpTime ntp, std::int64_t timestamp);
    void restart() { known_ = false; }

    bool known() const { return known_; }
    /// The sender's own time of day at that RTP time, in microseconds since 1970, however wrong its clock is.
    std::optional<std::int64_t> at(std::int64_t timestamp) const;
    /// The same where it is a time of our days.
    std::optional<WallTime> utc(std::int64_t timestamp) const;
    std::uint64_t steps() const { return steps_; }

private:
    std::int64_t microseconds_since_anchor(std::int64_t timestamp) const;

    std::uint32_t clock_rate_;
    bool known_ = false;
    std::int64_t anchor_ = 0;       // RTP time
    std::int64_t anchor_utc_ = 0;   // microseconds
    std::int64_t bend_ = 0;         // microseconds that the line moves in slew_time from the anchor on
    std::uint64_t steps_ = 0;
};

}   // namespace millrace::rtp
