#include "base/task.hpp"

#include "base/log.hpp"

namespace millrace {

struct TaskScope::Detached {
    struct promise_type : Node {
        promise_type(TaskScope& scope, Task<>&) {
            this->scope = &scope;
            next = scope.newest_;
            if (next != nullptr) {
                next->previous = this;
            }
            scope.newest_ = this;
            ++scope.size_;
            coroutine = std::coroutine_handle<promise_type>::from_promise(*this);
        }
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept {
            try {
                throw;
            } catch (const std::exception& error) {
                log::error("session", "ended by an exception: {}", error.what());
            } catch (...) {
                log::error("session", "ended by an unknown exception");
            }
        }
    };
};

TaskScope::Node::~Node() {
    --scope->size_;
    (previous != nullptr ? previous->next : scope->newest_) = next;
    if (next != nullptr) {
        next->previous = previous;
    }
}

TaskScope::Detached TaskScope::run(TaskScope& /*scope*/, Task<> task) {
    co_await task;
}

void TaskScope::spawn(Task<> task) {
    run(*this, std::move(task));
}

void TaskScope::clear() {
    while (newest_ != nullptr) {
        newest_->coroutine.destroy();
    }
}

}   // namespace millrace
