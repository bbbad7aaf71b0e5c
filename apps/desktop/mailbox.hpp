#pragma once

#include "base/mutex.hpp"

#include <optional>
#include <utility>

namespace millrace::apps {

/// A place for the newest of what one thread makes for another, who is told once a delivery and takes what is
/// there then: nobody waits for anybody. Any thread.
template <class T>
class Mailbox {
public:
    /// `tell`: nothing lay there, so the other has not been told of it yet. `displaced`: what it will not
    /// see.
    struct Left {
        bool tell = false;
        std::optional<T> displaced;
    };
    [[nodiscard]] Left put(T item) {
        const MutexLock lock{mutex_};
        std::optional<T> before = std::exchange(item_, std::optional<T>{std::move(item)});
        const bool empty = !before.has_value();
        return {.tell = empty, .displaced = std::move(before)};
    }
    std::optional<T> take() {
        const MutexLock lock{mutex_};
        return std::exchange(item_, std::nullopt);
    }

private:
    Mutex mutex_;
    std::optional<T> item_ MILLRACE_GUARDED_BY(mutex_);
};

}   // namespace millrace::apps
