#pragma once

#include "net/worker.hpp"

#include <atomic>
#include <memory>
#include <span>
#include <vector>

namespace millrace::net {

/// The worker threads of this process. Owned by `main`, which also makes sure that listeners, and whoever
/// else posts from outside, end before the pool is destroyed.
class WorkerPool {
public:
    /// Makes `count` workers, and one more aside for what must not hold media up: deciding and configuring.
    /// What is posted to them waits for `start`.
    explicit WorkerPool(std::size_t count);
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Throws std::runtime_error where the system gives no threads.
    void start();
    /// Ends every conversation on its own thread, runs what was posted until nothing comes any more, then
    /// joins. Idempotent; not from a worker's thread.
    void stop();

    /// The workers in turn, but for the one aside. Any thread.
    Worker& next();
    std::span<Worker* const> workers() const { return pointers_; }
    std::span<Executor* const> executors() const { return executors_; }
    Worker& aside() const { return *workers_.back(); }

private:
    /// Conversations that end post to each other; more rounds than this would be a loop without end.
    static constexpr int settle_rounds_max = 1000;

    bool settle_all();

    std::vector<std::unique_ptr<Worker>> workers_;   // the last is the one aside
    std::vector<Worker*> pointers_;
    std::vector<Executor*> executors_;
    std::atomic<std::size_t> turn_ = 0;
    bool running_ = false;
};

}   // namespace millrace::net
