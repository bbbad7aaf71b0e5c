#pragma once

#include "base/mutex.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace millrace {

/// First in, first out between threads, at most `size_max` at once. Any thread. Takers sleep while it is
/// empty.
template <class T>
class BoundedQueue {
public:
    explicit BoundedQueue(std::size_t size_max) : size_max_{size_max} {}
    BoundedQueue(const BoundedQueue&) = delete;
    BoundedQueue& operator=(const BoundedQueue&) = delete;
    ~BoundedQueue() = default;

    /// False, and the item is gone, if the queue is full or closed.
    [[nodiscard]] bool push(T item) {
        {
            const MutexLock lock{mutex_};
            if (closed_ || items_.size() >= size_max_) {
                return false;
            }
            items_.push_back(std::move(item));
        }
        filled_.notify_one();
        return true;
    }

    /// As `push`, but a full queue is waited for. False once the queue is closed.
    [[nodiscard]] bool push_waiting(T item) {
        {
            const MutexLock lock{mutex_};
            while (items_.size() >= size_max_ && !closed_) {
                emptied_.wait(mutex_);
            }
            if (closed_) {
                return false;
            }
            items_.push_back(std::move(item));
        }
        filled_.notify_one();
        return true;
    }

    /// The oldest item, waited for; nothing once the queue is closed.
    std::optional<T> pop() {
        const MutexLock lock{mutex_};
        while (items_.empty() && !closed_) {
            filled_.wait(mutex_);
        }
        if (items_.empty()) {
            return std::nullopt;
        }
        return take_front();
    }
    /// The oldest item, if there is one now.
    std::optional<T> try_pop() {
        const MutexLock lock{mutex_};
        return items_.empty() ? std::nullopt : take_front();
    }

    std::size_t size() const {
        const MutexLock lock{mutex_};
        return items_.size();
    }

    /// Wakes every taker for good and destroys what is still held, on the caller's thread.
    void close() {
        std::deque<T> left;
        {
            const MutexLock lock{mutex_};
            closed_ = true;
            left.swap(items_);
        }
        filled_.notify_all();
        emptied_.notify_all();
    }

private:
    std::optional<T> take_front() __attribute__((requires_capability(mutex_))) {
        std::optional<T> item{std::move(items_.front())};
        items_.pop_front();
        emptied_.notify_one();
        return item;
    }

    const std::size_t size_max_;
    mutable Mutex mutex_;
    std::condition_variable_any filled_;
    std::condition_variable_any emptied_;
    std::deque<T> items_ MILLRACE_GUARDED_BY(mutex_);
    bool closed_ MILLRACE_GUARDED_BY(mutex_) = false;
};

}   // namespace millrace
