#pragma once

#include "base/background.hpp"
#include "base/executor.hpp"
#include "base/timer.hpp"

#include <deque>

namespace millrace::sim {

/// A machine's one disk thread: one work after the other, each as late as the disk is slow.
class DiskThread final : public Background {
public:
    DiskThread(Executor& executor, std::size_t waiting_max)
        : executor_{executor}, waiting_max_{waiting_max} {}
    DiskThread(const DiskThread&) = delete;
    DiskThread& operator=(const DiskThread&) = delete;

    bool run(std::move_only_function<void()> work) override {
        if (waiting_.size() == waiting_max_) {
            return false;
        }
        waiting_.push_back(std::move(work));
        executor_.post([this] { begin(); });
        return true;
    }
    /// How long every work takes from now on.
    void set_latency(Duration latency) { latency_ = latency; }
    /// The next work takes so long.
    void stall(Duration span) { stall_ = span; }

private:
    void begin() {
        if (busy_ || waiting_.empty()) {
            return;
        }
        busy_ = true;
        const Duration takes = latency_ + std::exchange(stall_, Duration{});
        if (takes == Duration{}) {
            work();
        } else {
            executor_.timers().arm(done_, executor_.now() + takes);
        }
    }
    void work() {
        std::move_only_function<void()> next = std::move(waiting_.front());
        waiting_.pop_front();
        next();
        busy_ = false;
        if (!waiting_.empty()) {
            executor_.post([this] { begin(); });
        }
    }

    Executor& executor_;
    const std::size_t waiting_max_;
    std::deque<std::move_only_function<void()>> waiting_;
    Duration latency_{};
    Duration stall_{};
    bool busy_ = false;
    Alarm<DiskThread, &DiskThread::work> done_{*this};
};

}   // namespace millrace::sim
