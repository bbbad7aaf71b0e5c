#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace millrace::hub {

/// What came in over the last seconds, in steps of 100 ms: `Sum` has `operator+=`, and as made says nothing.
/// A window ends with the last step that is over, so that each one it holds is whole: what comes steadily
/// gives the same sum at any moment. No memory before the first count. Own thread only.
template <class Sum>
class SlidingSums {
public:
    static constexpr Duration step = 100ms;
    static constexpr Duration longest = 10s;

    /// The step that `now` is in, to count into.
    Sum& at(Instant now) {
        const std::int64_t number = number_of(now);
        if (ring_.empty()) {
            ring_.resize(static_cast<std::size_t>(steps));
            first_ = newest_ = number;
        }
        if (number - newest_ >= steps) {
            std::ranges::fill(ring_, Sum{});
            newest_ = number;
        }
        while (newest_ < number) {
            ring_[index(++newest_)] = Sum{};
        }
        return ring_[index(newest_)];
    }

    /// All of the last `window`, at most `longest`.
    Sum last(Duration window, Instant now) const {
        Sum sum{};
        const std::int64_t end = number_of(now);   // this step is not over
        for (std::int64_t number = std::max(end - window / step, oldest());
             number < std::min(end, newest_ + 1); ++number) {
            sum += ring_[index(number)];
        }
        return sum;
    }

    /// How much of the window there has been since the first count, in seconds; at least one, for a rate over
    /// less says nothing.
    double seconds(Duration window, Instant now) const {
        const Duration age = ring_.empty() ? Duration{} : (number_of(now) - first_) * step;
        return std::chrono::duration<double>(std::clamp<Duration>(age, 1s, std::max<Duration>(window, 1s)))
            .count();
    }

private:
    static constexpr std::int64_t steps = longest / step + 1;
    static std::int64_t number_of(Instant at) { return at.nanoseconds() / step.count(); }
    static std::size_t index(std::int64_t number) {
        return static_cast<std::size_t>((number % steps + steps) % steps);
    }
    /// Nothing before it is kept.
    std::int64_t oldest() const { return ring_.empty() ? INT64_MAX : std::max(first_, newest_ - steps + 1); }

    std::vector<Sum> ring_;
    std::int64_t first_ = 0;
    std::int64_t newest_ = 0;   // in ring_[index(newest_)]
};

}   // namespace millrace::hub
