#include "base/virtual_time.hpp"

#include <algorithm>

namespace millrace {

VirtualTime::VirtualTime(std::uint64_t seed) : random_{seed} {
}

VirtualTime::~VirtualTime() = default;

void VirtualTime::stop() {
    for (auto& executor : executors_) {
        executor->stop();
    }
    settle();
}

VirtualExecutor& VirtualTime::add_executor(const Clock* clock) {
    executors_.push_back(std::make_unique<VirtualExecutor>(*this, clock == nullptr ? *this : *clock));
    return *executors_.back();
}

bool VirtualTime::step() {
    if (executors_.empty()) {
        return false;
    }
    const std::size_t first =
        executors_.size() == 1 ? 0 : random_.below(static_cast<std::uint32_t>(executors_.size()));
    for (std::size_t i = 0; i < executors_.size(); ++i) {
        if (executors_[(first + i) % executors_.size()]->run_one()) {
            return true;
        }
    }
    return false;
}

void VirtualTime::run_until(Instant until) {
    for (;;) {
        while (step()) {
        }
        Instant next = Instant::never();
        for (const auto& executor : executors_) {
            if (!executor->halted_) {
                next = std::min(next, executor->timers().earliest());
            }
        }
        if (next > until) {
            now_ = std::max(now_, until);
            return;
        }
        now_ = std::max(now_, next);
    }
}

void VirtualExecutor::run(std::move_only_function<void()> work) {
    const bool was_running = std::exchange(running_, true);
    work();
    work = nullptr;   // what it holds goes on this thread too
    running_ = was_running;
}

void VirtualExecutor::halt() {
    halted_ = true;
    const auto dropped = std::exchange(posted_, {});
}

bool VirtualExecutor::run_one() {
    if (halted_) {
        return false;
    }
    if (!posted_.empty()) {
        auto work = std::move(posted_.front());
        posted_.pop_front();
        run(std::move(work));
        return true;
    }
    if (timers().earliest() <= time_.now()) {
        run([this] { timers().run_due(time_.now()); });
        return true;
    }
    return false;
}

}   // namespace millrace
