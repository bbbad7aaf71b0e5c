#pragma once

#include "base/mutex.hpp"

#include <deque>
#include <functional>
#include <vector>

namespace millrace::net {

/// What other threads have for one to do, in the order in which each of them gave it.
class PostBox {
public:
    using Work = std::move_only_function<void()>;

    /// Whether its owner sleeps, and is to be woken by who asks. Any thread.
    [[nodiscard]] bool put(Work work) {
        const MutexLock lock{mutex_};
        work_.push_back(std::move(work));
        return std::exchange(asleep_, false);
    }

    /// Whether there is nothing, so that its owner may sleep; whoever puts something in then says so.
    [[nodiscard]] bool may_sleep() {
        const MutexLock lock{mutex_};
        asleep_ = work_.empty();
        return asleep_;
    }

    /// Puts all there is behind what `into` has.
    void take(std::deque<Work>& into) {
        const MutexLock lock{mutex_};
        asleep_ = false;
        for (Work& work : work_) {
            into.push_back(std::move(work));
        }
        work_.clear();
    }

private:
    Mutex mutex_;
    std::vector<Work> work_ MILLRACE_GUARDED_BY(mutex_);
    bool asleep_ MILLRACE_GUARDED_BY(mutex_) = false;
};

}   // namespace millrace::net
