#pragma once

#include "base/executor.hpp"
#include "base/waitable.hpp"

#include <coroutine>
#include <optional>

namespace millrace {

/// `co_await readable(...)` / `writable(...)`: until the connection or socket is ready, was closed, or the
/// deadline passes (Errc::timed_out). `co_await sleep_until(...)`. All on the awaiting coroutine's executor.
class Readiness final : Waitable::Waiter, Timer {
public:
    enum class Direction : std::uint8_t { read, write };

    Readiness(Waitable& on, Direction direction, Executor& executor, Instant deadline)
        : on_{on}, direction_{direction}, executor_{executor}, deadline_{deadline} {}
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;
    ~Readiness() override { disarm_all(); }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        arm(this);
        if (deadline_ != Instant::never()) {
            executor_.timers().arm(*this, deadline_);
        }
    }
    Result<> await_resume() const { return *outcome_; }

private:
    void on_ready(Result<> ready) override { finish(ready); }
    void on_time() override { finish(fail(Errc::timed_out, "no answer in time")); }
    void finish(Result<> outcome) {
        disarm_all();
        outcome_ = outcome;
        std::exchange(waiting_, nullptr).resume();
    }
    void arm(Waitable::Waiter* waiter) {
        direction_ == Direction::read ? on_.wait_readable(waiter) : on_.wait_writable(waiter);
    }
    void disarm_all() {
        if (waiting_) {
            arm(nullptr);
        }
        Timer::disarm();
    }

    Waitable& on_;
    Direction direction_;
    Executor& executor_;
    Instant deadline_;
    std::coroutine_handle<> waiting_;
    std::optional<Result<>> outcome_;
};

inline Readiness readable(Waitable& on, Executor& executor, Instant deadline) {
    return {on, Readiness::Direction::read, executor, deadline};
}
inline Readiness writable(Waitable& on, Executor& executor, Instant deadline) {
    return {on, Readiness::Direction::write, executor, deadline};
}

/// `co_await sleep_until(executor, when)`.
class Sleep final : Timer {
public:
    Sleep(Executor& executor, Instant when) : executor_{executor}, until_{when} {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        executor_.timers().arm(*this, until_);
    }
    void await_resume() const noexcept {}

private:
    void on_time() override { waiting_.resume(); }
    Executor& executor_;
    Instant until_;
    std::coroutine_handle<> waiting_;
};

inline Sleep sleep_until(Executor& executor, Instant when) {
    return {executor, when};
}

}   // namespace millrace
