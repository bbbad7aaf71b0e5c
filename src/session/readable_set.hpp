#pragma once

#include "base/executor.hpp"
#include "base/waitable.hpp"

#include <coroutine>
#include <deque>
#include <optional>

namespace millrace::session {

/// A connection and some sockets that one coroutine reads together. Owned by its conversation, on the
/// executor of them all; what was added outlives it.
class ReadableSet {
public:
    explicit ReadableSet(Executor& executor) : executor_{executor} {}
    ReadableSet(const ReadableSet&) = delete;
    ReadableSet& operator=(const ReadableSet&) = delete;

    void add(Waitable& one) { members_.emplace_back(*this, one); }

    /// `co_await set.any(deadline)`: until one of them is ready, or was closed, or it is time.
    class Awaiter final : Timer {
    public:
        Awaiter(ReadableSet& set, Instant deadline) : set_{set}, deadline_{deadline} {}
        Awaiter(const Awaiter&) = delete;
        Awaiter& operator=(const Awaiter&) = delete;
        ~Awaiter() override { set_.sleeper_ = nullptr; }

        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiting) {
            waiting_ = waiting;
            set_.sleeper_ = this;
            // What rang while nobody slept is told as soon as the executor comes to it.
            set_.executor_.timers().arm(*this, set_.arm() ? deadline_ : set_.executor_.now());
        }
        void await_resume() const noexcept {}

    private:
        friend class ReadableSet;
        void on_time() override { wake(); }
        void wake() {
            Timer::disarm();
            set_.sleeper_ = nullptr;
            std::exchange(waiting_, nullptr).resume();
        }

        ReadableSet& set_;
        Instant deadline_;
        std::coroutine_handle<> waiting_;
    };
    Awaiter any(Instant deadline) { return {*this, deadline}; }

    /// Whether that member was ready, or was closed, since this was asked last.
    bool take(std::size_t index) { return std::exchange(members_[index].rang, false); }

private:
    struct Member final : Waitable::Waiter {
        Member(ReadableSet& its_set, Waitable& its_subject) : set{its_set}, subject{its_subject} {}
        Member(const Member&) = delete;
        Member& operator=(const Member&) = delete;
        ~Member() {
            if (armed) {
                subject.wait_readable(nullptr);
            }
        }
        void on_ready(Result<> /*ready*/) override {
            armed = false;
            rang = true;
            if (set.sleeper_ != nullptr) {
                set.sleeper_->wake();
            }
        }

        ReadableSet& set;
        Waitable& subject;
        bool armed = false;
        bool rang = false;
    };

    /// False: one has rung already.
    bool arm() {
        bool quiet = true;
        for (Member& member : members_) {
            if (!member.armed && !member.rang) {
                member.armed = true;
                member.subject.wait_readable(&member);
            }
            quiet = quiet && !member.rang;
        }
        return quiet;
    }

    Executor& executor_;
    std::deque<Member> members_;
    Awaiter* sleeper_ = nullptr;
};

}   // namespace millrace::session
