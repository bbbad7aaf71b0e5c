#pragma once

#include "base/block_log.hpp"
#include "base/executor.hpp"

#include <coroutine>
#include <utility>

namespace millrace::session {

/// `co_await bell.until(deadline)`: until the log has more, or it is time. One waits at a time.
class LogBell final : LogView::Listener, Timer {
public:
    LogBell(LogView& log, Executor& executor) : log_{log}, executor_{executor} { log_.listen(*this); }
    LogBell(const LogBell&) = delete;
    LogBell& operator=(const LogBell&) = delete;
    ~LogBell() override { log_.stop_listening(*this); }

    LogBell& until(Instant deadline) {
        deadline_ = deadline;
        return *this;
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        executor_.timers().arm(*this, std::exchange(rung_, false) ? executor_.now() : deadline_);
    }
    void await_resume() const noexcept {}

private:
    void on_trim(std::uint64_t /*tail*/) override {}
    void on_advance(bool /*flush*/) override { ring(); }
    void on_end() override { ring(); }
    void on_time() override { std::exchange(waiting_, nullptr).resume(); }
    /// It wakes later: the log is in the middle of a change.
    void ring() {
        if (waiting_) {
            executor_.timers().arm(*this, executor_.now());
        } else {
            rung_ = true;
        }
    }

    LogView& log_;
    Executor& executor_;
    Instant deadline_;
    std::coroutine_handle<> waiting_;
    bool rung_ = false;
};

}   // namespace millrace::session
