#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <algorithm>

namespace millrace {

/// Counts what a peer sends against a rate in the long run and a burst at once. It keeps one moment: that up
/// to which the peer has used its share.
template <int PerSecondMax, int BurstMax>
class RateLimit {
public:
    /// Whether one more is within the limit.
    bool spend(Instant now) {
        constexpr Duration share = Duration{1s} / PerSecondMax;
        used_up_to_ = std::max(used_up_to_, now - share * BurstMax) + share;
        return used_up_to_ <= now;
    }

private:
    Instant used_up_to_ = Instant::from_nanoseconds(INT64_MIN);
};

}   // namespace millrace
