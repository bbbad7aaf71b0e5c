#include "net/worker_pool.hpp"

#include "base/check.hpp"
#include "base/log.hpp"

#include <latch>
#include <stdexcept>
#include <system_error>

namespace millrace::net {

WorkerPool::WorkerPool(std::size_t count) {
    check(count > 0, "a pool has at least one worker");
    for (std::size_t i = 0; i < count; ++i) {
        workers_.push_back(std::make_unique<Worker>());
        pointers_.push_back(workers_.back().get());
        executors_.push_back(workers_.back().get());
    }
    workers_.push_back(std::make_unique<Worker>());
}

WorkerPool::~WorkerPool() {
    stop();
    // What still waits in a queue may post to another worker when it is destroyed: no worker goes before the
    // last queue is empty, and posts find the door shut.
    for (auto& worker : workers_) {
        worker->ended_ = true;
    }
    for (auto& worker : workers_) {
        worker->drop_queue();
    }
}

void WorkerPool::start() {
    check(!running_, "a pool starts once");
    std::size_t started = 0;
    try {
        for (; started < workers_.size(); ++started) {
            workers_[started]->start();
        }
    } catch (const std::system_error& error) {
        for (std::size_t i = 0; i < started; ++i) {
            workers_[i]->post([&worker = *workers_[i]] { worker.leave_loop(); });
            workers_[i]->join();
        }
        throw std::runtime_error(fmt::format(
            "no thread to be had ({}): raise the limit of threads (ulimit -u, TasksMax), or lower workers",
            error.what()));
    }
    running_ = true;
}

void WorkerPool::stop() {
    if (!running_) {
        return;
    }
    running_ = false;
    for (const auto& worker : workers_) {
        check(!worker->is_current(), "a worker cannot stop its own pool");
    }
    int rounds = 0;
    while (!settle_all() && ++rounds < settle_rounds_max) {
    }
    if (rounds == settle_rounds_max) {
        log::warning("net", "work was still being posted at the stop");
    }
    for (auto& worker : workers_) {
        worker->post([&worker = *worker] { worker.leave_loop(); });
    }
    for (auto& worker : workers_) {
        worker->join();
    }
}

bool WorkerPool::settle_all() {
    std::latch settled{static_cast<std::ptrdiff_t>(workers_.size())};
    std::atomic<bool> idle = true;
    for (auto& worker : workers_) {
        worker->post([&worker = *worker, &settled, &idle] {
            if (!worker.settle()) {
                idle = false;
            }
            settled.count_down();
        });
    }
    settled.wait();
    return idle;
}

Worker& WorkerPool::next() {
    return *pointers_[turn_.fetch_add(1, std::memory_order_relaxed) % pointers_.size()];
}

}   // namespace millrace::net
