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

    /// The oldest item, waited for; nothing once the queue is closed.
    std::optional<T> pop() {
        const MutexLock lock{mutex_};
        while (items_.empty() && !closed_) {
            filled_.wait(mutex_);
        }
        if (items_.empty()) {
            return std::nullopt;
        }
        std::optional<T> item{std::move(items_.front())};
        items_.pop_front();
        return item;
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
    }

private:
    const std::size_t size_max_;
    Mutex mutex_;
    std::condition_variable_any filled_;
    std::deque<T> items_ MILLRACE_GUARDED_BY(mutex_);
    bool closed_ MILLRACE_GUARDED_BY(mutex_) = false;
};

}   // namespace millrace
