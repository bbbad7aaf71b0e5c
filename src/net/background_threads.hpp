#pragma once

#include "base/background.hpp"
#include "base/bounded_queue.hpp"

#include <thread>
#include <vector>

namespace millrace::net {

/// Threads that do one work after the other, the real Background. `stop`, and so its destructor, waits for
/// those under way and drops the rest; it must end before what the work uses.
class BackgroundThreads final : public Background {
public:
    static constexpr std::size_t waiting_max = 64;

    /// Throws std::runtime_error if not even one thread can be had; fewer than asked for is enough.
    explicit BackgroundThreads(unsigned threads, std::size_t waiting = waiting_max);
    BackgroundThreads(const BackgroundThreads&) = delete;
    BackgroundThreads& operator=(const BackgroundThreads&) = delete;
    ~BackgroundThreads() override;

    bool run(std::move_only_function<void()> work) override { return queue_.push(std::move(work)); }
    /// Takes nothing any more. Two that give each other work are both stopped before either ends.
    void stop();

private:
    void work_on();

    BoundedQueue<std::move_only_function<void()>> queue_;
    std::vector<std::thread> threads_;
};

}   // namespace millrace::net
