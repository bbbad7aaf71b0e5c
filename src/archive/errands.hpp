#pragma once

#include "base/background.hpp"
#include "base/bounded_queue.hpp"
#include "base/result.hpp"

#include <functional>
#include <utility>

namespace millrace::archive {

/// Calls that block, made on a thread of their own, and what came of them, told on the disk thread. Disk
/// thread only; whoever asks outlives all of it, and takes part with `settle`.
class Errands {
public:
    /// `under_way_max`: more are never asked for at once.
    Errands(Background& disk, std::size_t under_way_max) : disk_{disk}, done_{under_way_max} {}

    /// Does `work` with `store` on `thread` and gives what came of it to `then` on the disk thread. False: it
    /// stops.
    template <class T, class Store>
    bool ask(Background& thread, Store& store, std::move_only_function<Result<T>(Store&)> work,
             std::move_only_function<void(Result<T>)> then) {
        return thread.run([this, &store, work = std::move(work), then = std::move(then)]() mutable {
            Result<T> result = work(store);
            // There is room: so much is never under way. Where the disk thread takes nothing, whoever calls
            // `settle` again and again sees to it.
            (void)done_.push(
                [then = std::move(then), result = std::move(result)]() mutable { then(std::move(result)); });
            (void)disk_.run([this] { settle(); });
        });
    }
    void settle() {
        while (auto then = done_.try_pop()) {
            (*then)();
        }
    }

private:
    Background& disk_;
    BoundedQueue<std::move_only_function<void()>> done_;
};

}   // namespace millrace::archive
