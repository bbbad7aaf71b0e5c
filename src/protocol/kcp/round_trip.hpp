#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>

namespace millrace::kcp {

/// Smallest or largest of the last while: of two spans of time, the one under way and the one before.
template <class Better>
class Extreme {
public:
    explicit Extreme(Duration span) : span_{span} {}

    void add(Duration value, Instant now) {
        if (empty_ || now - began_ >= span_) {
            before_ = empty_ || now - began_ >= 2 * span_ ? value : current_;
            current_ = value;
            began_ = now;
            empty_ = false;
        }
        current_ = Better{}(value, current_) ? value : current_;
    }
    bool empty() const { return empty_; }
    Duration value() const { return Better{}(before_, current_) ? before_ : current_; }

private:
    Duration span_;
    Duration current_{};
    Duration before_{};
    Instant began_;
    bool empty_ = true;
};

/// Round trips as they were measured: one sample a datagram, of a copy that is known by its time stamp.
class RoundTrip {
public:
    /// For so long a largest or smallest value counts, and up to twice as long.
    static constexpr Duration largest_span = 2'500ms;
    static constexpr Duration smallest_span = 5s;
    /// What of a round trip jitter and bursts do not explain.
    static constexpr Duration of_late_span = 100ms;

    void add(Duration sample, Instant now) {
        const Duration change = sample > smoothed_ ? sample - smoothed_ : smoothed_ - sample;
        const bool first = largest_.empty();
        variation_ = first ? sample / 2 : (3 * variation_ + change) / 4;
        smoothed_ = first ? sample : (7 * smoothed_ + sample) / 8;
        newest_ = sample;
        ++samples_;
        largest_.add(sample, now);
        smallest_.add(sample, now);
        of_late_.add(sample, now);
    }
    std::uint64_t samples() const { return samples_; }
    bool known() const { return !largest_.empty(); }
    Duration smoothed() const { return smoothed_; }
    Duration variation() const { return variation_; }
    Duration newest() const { return newest_; }
    Duration largest() const { return largest_.value(); }
    Duration smallest() const { return smallest_.value(); }
    /// The smallest of late.
    Duration of_late() const { return of_late_.value(); }

private:
    Duration smoothed_{};
    Duration variation_{};
    Duration newest_{};
    std::uint64_t samples_ = 0;
    Extreme<std::greater<>> largest_{largest_span};
    Extreme<std::less<>> smallest_{smallest_span};
    Extreme<std::less<>> of_late_{of_late_span};
};

}   // namespace millrace::kcp
