#pragma once

#include "base/time.hpp"

#include <array>
#include <cstddef>

namespace millrace::net {

/// How long a worker lets bytes gather before it sends them. The number of sends is what serving costs, so a
/// busy worker sends less often: cost falls, latency rises, nothing is lost. Reviewed once a second.
///
/// It grows at once to the step the load asks for. It shrinks one step at a time, and only if the load there
/// would stay under `load_to_shrink`, reckoned as if sends were all the load and a window of half the length
/// twice the sends. That reckoning errs upward, so a step back is never followed by a step forth.
class WindowPolicy {
public:
    struct Step {
        Duration window;
        double load_above;   ///< the worker's load that asks for this step
    };
    static constexpr std::array<Step, 4> steps{{{33ms, 0.0}, {50ms, 0.60}, {100ms, 0.70}, {350ms, 0.80}}};
    static constexpr double load_to_shrink = 0.55;
    static constexpr Duration review_interval = 1s;

    Duration window() const { return steps[step_].window; }
    /// With this window a picture is sent when it ends; above it, pictures wait for each other.
    bool smallest() const { return step_ == 0; }
    /// `load`: share of the last second the thread was busy, 0 to 1.
    void review(double load);

private:
    std::size_t step_ = 0;
};

}   // namespace millrace::net
