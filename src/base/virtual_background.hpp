#pragma once

#include "base/background.hpp"
#include "base/executor.hpp"

#include <cstddef>
#include <utility>

namespace millrace {

/// Background of a simulation: the work is posted to `executor`, in order, and counted. Own thread only.
class VirtualBackground final : public Background {
public:
    explicit VirtualBackground(Executor& executor, std::size_t waiting_max = 64)
        : executor_{executor}, waiting_max_{waiting_max} {}

    bool run(std::move_only_function<void()> work) override {
        if (waiting_ == waiting_max_) {
            return false;
        }
        ++waiting_;
        executor_.post([this, work = std::move(work)]() mutable {
            --waiting_;
            ++done_;
            work();
        });
        return true;
    }
    /// How many works ran.
    std::size_t done() const { return done_; }

private:
    Executor& executor_;
    const std::size_t waiting_max_;
    std::size_t waiting_ = 0;
    std::size_t done_ = 0;
};

}   // namespace millrace
