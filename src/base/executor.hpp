#pragma once

#include "base/task.hpp"
#include "base/time.hpp"
#include "base/timer.hpp"

#include <functional>

namespace millrace {

/// One thread's event loop, as everything above `net` sees it: a `net::Worker`, or a simulated one.
/// What is posted by one thread runs in the order posted.
class Executor {
public:
    virtual ~Executor() = default;

    /// Runs `work` on this executor's thread, never inside this call. Any thread may call it.
    virtual void post(std::move_only_function<void()> work) = 0;
    /// Whether the caller runs on this executor.
    virtual bool is_current() const = 0;
    virtual const Clock& clock() const = 0;
    /// Share of the last second this thread was busy, 0 to 1. Own thread only.
    virtual double load() const = 0;

    /// The timers and the conversations of this executor. Own thread only.
    TimerQueue& timers() { return timers_; }
    TaskScope& tasks() { return tasks_; }

    Instant now() const { return clock().now(); }

protected:
    /// Ends every conversation that still runs; an implementation calls it on its own thread, before what
    /// the conversations use goes away.
    void end_tasks() { tasks_.clear(); }

private:
    TimerQueue timers_;
    TaskScope tasks_;
};

}   // namespace millrace
