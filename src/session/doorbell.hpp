#pragma once

#include "base/connection.hpp"
#include "base/executor.hpp"

#include <coroutine>
#include <optional>

namespace millrace::session {

/// `co_await bell.until(deadline)`: until the connection is readable, somebody rings, or the deadline passes;
/// an error once the connection was closed by us. For a conversation that both sides begin to speak in. One
/// waits at a time, on `executor`; ring() may come from whatever the waiter itself owns, for it wakes later.
class Doorbell final : Waitable::Waiter, Timer {
public:
    Doorbell(Waitable& on, Executor& executor) : on_{on}, executor_{executor} {}
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;
    ~Doorbell() override { disarm_all(); }

    void ring() {
        rung_ = true;
        if (waiting_) {
            executor_.timers().arm(*this, executor_.now());
        }
    }

    Doorbell& until(Instant deadline) {
        deadline_ = deadline;
        return *this;
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        outcome_ = Result<>{};
        on_.wait_readable(this);
        executor_.timers().arm(*this, rung_ ? executor_.now() : deadline_);
    }
    Result<> await_resume() {
        rung_ = false;
        return outcome_;
    }

private:
    void on_ready(Result<> ready) override { finish(ready); }
    void on_time() override { finish({}); }
    void finish(Result<> outcome) {
        disarm_all();
        outcome_ = outcome;
        std::exchange(waiting_, nullptr).resume();
    }
    void disarm_all() {
        if (waiting_) {
            on_.wait_readable(nullptr);
        }
        Timer::disarm();
    }

    Waitable& on_;
    Executor& executor_;
    Instant deadline_ = Instant::never();
    std::coroutine_handle<> waiting_;
    Result<> outcome_;
    bool rung_ = false;
};

}   // namespace millrace::session
