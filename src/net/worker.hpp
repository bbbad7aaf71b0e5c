#pragma once

#include "base/background.hpp"
#include "base/executor.hpp"
#include "net/poller.hpp"
#include "net/post_box.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>

namespace millrace::net {

/// The clocks of this machine. Any thread.
class SystemClock final : public Clock {
public:
    Instant now() const override;
    WallTime utc() const override;
};

/// One thread with one event loop: sockets, timers, posted work and conversations. Made and owned by a
/// WorkerPool. Timers are at most about a millisecond late on an idle machine.
class Worker final : public Executor {
public:
    Worker();
    ~Worker() override;

    /// After the pool has stopped, work is destroyed instead of run.
    void post(std::move_only_function<void()> work) override;
    bool is_current() const override;
    const Clock& clock() const override { return clock_; }
    double load() const override { return load_; }

    /// Whether the pool is stopping: new conversations are not worth starting. Own thread only.
    bool stopping() const { return stopping_; }
    /// How many closed sockets still let their last bytes leave here (`parting.hpp`). Own thread only.
    std::size_t& partings() { return partings_; }
    /// How many descriptors are watched here (`watch.hpp`). Own thread only.
    std::size_t& watched() { return watched_; }

    /// Own thread only.
    Poller& poller() { return poller_; }
    /// Looks host names up, which may take as long as it likes. Nothing where the system gives no thread. Own
    /// thread only.
    Background* lookups();

private:
    friend class WorkerPool;

    /// How much may run between two looks at the timers.
    static constexpr int works_per_turn = 256;
    static constexpr std::size_t crowd = 64;   ///< connections whose memory is worth a clean-up

    void start();
    void run();
    void turn();
    /// How long there is nothing to do, unless something happens.
    Duration idle_span(Instant from);
    void measure_load(Instant now);
    /// Gives memory back to the system once a crowd of connections is gone, and once more a while later.
    void clean_up(Instant now);
    /// Ends all conversations; true if there were none and nothing was posted here since the last call.
    bool settle();
    void leave_loop() { leaving_ = true; }
    void join();
    void drop_queue();

    SystemClock clock_;
    Poller poller_;
    PostBox box_;
    std::deque<PostBox::Work> due_;   // own thread only
    std::unique_ptr<Background> lookups_;
    std::thread thread_;
    std::atomic<bool> ended_ = false;
    bool leaving_ = false;
    bool stopping_ = false;
    std::size_t partings_ = 0;
    std::size_t watched_ = 0;
    std::size_t most_watched_ = 0;   // since the last clean-up
    Instant clean_again_at_ = Instant::never();
    std::uint64_t handled_ = 0;           // posted work and readiness
    std::uint64_t handled_settled_ = 0;   // at the last settle()
    double load_ = 0;
    Instant measured_at_;
    Duration busy_at_measure_{};
};

}   // namespace millrace::net
