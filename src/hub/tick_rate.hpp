#pragma once

#include "base/time.hpp"

#include <cstddef>
#include <deque>

namespace millrace::hub {

/// How often something happens, over the last two seconds. One thread.
class TickRate {
public:
    static constexpr Duration window = 2s;
    static constexpr std::size_t ticks_max = 1024;

    void count(Instant now) {
        ticks_.push_back(now);
        forget(now);
    }
    /// 0 before there were two, and when it has ceased.
    double per_second(Instant now) {
        forget(now);
        const bool some = ticks_.size() >= 2 && ticks_.back() > ticks_.front();
        return some ? static_cast<double>(ticks_.size() - 1) /
                          std::chrono::duration<double>(ticks_.back() - ticks_.front()).count()
                    : 0;
    }

private:
    void forget(Instant now) {
        while (!ticks_.empty() && (now - ticks_.front() > window || ticks_.size() > ticks_max)) {
            ticks_.pop_front();
        }
    }
    std::deque<Instant> ticks_;
};

}   // namespace millrace::hub
