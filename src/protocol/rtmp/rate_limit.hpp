#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <algorithm>

namespace millrace::rtmp {

/// Control, command and data messages a peer may send, in the long run and at once. Media is bounded by its
/// bytes alone.
constexpr int messages_per_second_max = 200;
constexpr int messages_burst_max = 400;

/// Counts messages against the limits above. It keeps one moment: that up to which the peer has used its
/// share.
class RateLimit {
public:
    Result<> spend(Instant now) {
        constexpr Duration share = Duration{1s} / messages_per_second_max;
        used_up_to_ = std::max(used_up_to_, now - share * messages_burst_max) + share;
        if (used_up_to_ > now) {
            return fail(Errc::exhausted, "too many control, command or data messages");
        }
        return {};
    }

private:
    Instant used_up_to_ = Instant::from_nanoseconds(INT64_MIN);
};

}   // namespace millrace::rtmp
