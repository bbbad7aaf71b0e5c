#pragma once

#include "base/executor.hpp"
#include "base/result.hpp"

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

namespace millrace {

/// The giver's end of an answer that comes later. Moves to any thread; give it once. Dropped without being
/// given, it answers Errc::cancelled.
template <class T>
class Reply;

/// The asker's end: `Answer<T> answer{executor}; ask(answer.reply()); co_await answer.within(deadline)`.
/// It lives on the asker's executor; an answer that comes after it gave up is destroyed there.
template <class T>
class Answer {
    struct State {
        Executor& asker;
        std::optional<Result<T>> value;
        std::move_only_function<void()> wake;   // set while somebody waits
    };

public:
    explicit Answer(Executor& asker) : state_{std::make_shared<State>(State{asker, {}, {}})} {}
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
    ~Answer() { state_->wake = nullptr; }

    Reply<T> reply() { return Reply<T>{state_}; }

    class Awaiter final : Timer {
    public:
        Awaiter(State& state, Instant deadline) : state_{state}, deadline_{deadline} {}
        Awaiter(const Awaiter&) = delete;
        Awaiter& operator=(const Awaiter&) = delete;
        ~Awaiter() override { state_.wake = nullptr; }

        bool await_ready() const noexcept { return state_.value.has_value(); }
        void await_suspend(std::coroutine_handle<> waiting) {
            waiting_ = waiting;
            state_.wake = [this] { resume(); };
            state_.asker.timers().arm(*this, deadline_);
        }
        Result<T> await_resume() {
            if (!state_.value) {
                return fail(Errc::timed_out, "no answer in time");
            }
            return std::move(*state_.value);
        }

    private:
        void on_time() override { resume(); }
        void resume() {
            Timer::disarm();
            const auto waiting = std::exchange(waiting_, nullptr);
            if (waiting) {
                waiting.resume();
            }
        }
        State& state_;
        Instant deadline_;
        std::coroutine_handle<> waiting_;
    };

    Awaiter within(Instant deadline) { return {*state_, deadline}; }

private:
    friend class Reply<T>;
    std::shared_ptr<State> state_;
};

/// The answering side of an Answer: given once, from any thread. Dropped without an answer, it answers with
/// an error.
template <class T>
class Reply {
public:
    Reply() = default;
    Reply(Reply&&) noexcept = default;
    Reply& operator=(Reply&& other) noexcept {
        give_up();
        state_ = std::move(other.state_);
        return *this;
    }
    ~Reply() { give_up(); }

    /// Gives the answer: it is carried to the asker's executor and wakes the asker there.
    void give(Result<T> value) {
        auto state = std::move(state_);
        if (state == nullptr) {
            return;
        }
        Executor& asker = state->asker;
        asker.post([state = std::move(state), value = std::move(value)]() mutable {
            state->value.emplace(std::move(value));
            if (auto wake = std::exchange(state->wake, nullptr)) {
                wake();
            }
        });
    }
    explicit operator bool() const { return state_ != nullptr; }
    /// Whether nobody waits for it any more. On the asker's executor only.
    bool abandoned() const { return state_.use_count() <= 1; }
    Executor& asker() const { return state_->asker; }

private:
    friend class Answer<T>;
    explicit Reply(std::shared_ptr<typename Answer<T>::State> state) : state_{std::move(state)} {}
    void give_up() {
        if (state_ != nullptr) {
            give(fail(Errc::cancelled, "nobody answered"));
        }
    }
    std::shared_ptr<typename Answer<T>::State> state_;
};

}   // namespace millrace
