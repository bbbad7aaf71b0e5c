#pragma once

#include "base/check.hpp"

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace millrace {

template <class T = void>
class Task;

namespace task_detail {

struct PromiseBase {
    std::coroutine_handle<> waiting = std::noop_coroutine();
    std::exception_ptr thrown;

    struct FinalAwaiter {
        bool await_ready() noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) noexcept {
            return done.promise().waiting;
        }
        void await_resume() noexcept {}
    };

    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;
    Task<T> get_return_object() noexcept;
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() noexcept {}
};

}   // namespace task_detail

/// A coroutine that starts when awaited and gives one value. Its owner is whoever holds the Task; destroying
/// it destroys the coroutine wherever it stands, and with it everything in its scope.
template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = task_detail::Promise<T>;

    Task(Task&& other) noexcept : coroutine_{std::exchange(other.coroutine_, nullptr)} {}
    Task& operator=(Task&&) = delete;
    ~Task() {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
        coroutine_.promise().waiting = waiting;
        return coroutine_;
    }
    T await_resume() {
        if (coroutine_.promise().thrown) {
            std::rethrow_exception(coroutine_.promise().thrown);
        }
        return coroutine_.promise().take();
    }

private:
    friend promise_type;
    explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_{coroutine} {}
    std::coroutine_handle<promise_type> coroutine_;
};

template <class T>
Task<T> task_detail::Promise<T>::get_return_object() noexcept {
    return Task<T>{std::coroutine_handle<Promise>::from_promise(*this)};
}
inline Task<void> task_detail::Promise<void>::get_return_object() noexcept {
    return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}

/// Owns coroutines that nobody awaits: the conversations of one executor. A finished one frees itself; the
/// scope's end destroys the rest, newest first. Own thread only.
class TaskScope {
public:
    TaskScope() = default;
    TaskScope(const TaskScope&) = delete;
    TaskScope& operator=(const TaskScope&) = delete;
    ~TaskScope() { clear(); }

    /// Runs the task until it first waits. An exception that leaves a conversation ends that one only.
    void spawn(Task<> task);
    std::size_t size() const { return size_; }
    void clear();

private:
    struct Detached;
    struct Node {
        TaskScope* scope = nullptr;
        Node* previous = nullptr;
        Node* next = nullptr;
        std::coroutine_handle<> coroutine;
        ~Node();
    };
    static Detached run(TaskScope& scope, Task<> task);

    Node* newest_ = nullptr;
    std::size_t size_ = 0;
};

}   // namespace millrace
