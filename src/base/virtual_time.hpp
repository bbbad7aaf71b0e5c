#pragma once

#include "base/executor.hpp"
#include "base/random.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace millrace {

class VirtualExecutor;

/// A world whose time moves only when nothing is left to do: the simulated side of Clock and Executor, for
/// unit tests and for `sim/`. All executors run on the calling thread; which runs next is drawn from the
/// seed.
class VirtualTime final : public Clock {
public:
    explicit VirtualTime(std::uint64_t seed = 1);
    ~VirtualTime() override;

    Instant now() const override { return now_; }
    WallTime utc() const override { return {start_of_utc + now_.nanoseconds() / 1000}; }
    Random& random() { return random_; }

    /// A new executor, owned by this world. It tells the time by `clock`, whose moments are this one's and
    /// whose time of day may be another; it outlives the executor's work.
    VirtualExecutor& add_executor(const Clock* clock = nullptr);

    /// Runs everything due up to `until` and leaves the clock there.
    void run_until(Instant until);
    void run_for(Duration span) { run_until(now_ + span); }
    /// Runs what is due now, without moving the clock.
    void settle() { run_until(now_); }
    /// Ends every conversation and lets what they posted run: before what they use goes away. What is posted
    /// afterwards is dropped.
    void stop();

private:
    static constexpr std::int64_t start_of_utc = 1'800'000'000'000'000;   // in January 2027
    bool step();

    Instant now_;
    SeededRandom random_;
    std::vector<std::unique_ptr<VirtualExecutor>> executors_;
};

/// A simulated thread. Made by VirtualTime::add_executor.
class VirtualExecutor final : public Executor {
public:
    VirtualExecutor(VirtualTime& time, const Clock& clock) : time_{time}, clock_{clock} {}
    ~VirtualExecutor() override { end_tasks(); }

    void post(std::move_only_function<void()> work) override {
        if (!halted_) {
            posted_.push_back(std::move(work));
        }
    }
    bool is_current() const override { return running_; }
    const Clock& clock() const override { return clock_; }
    double load() const override { return load_; }
    void set_load(double load) { load_ = load; }

    /// Runs `work` now, as if on this executor's thread.
    void run(std::move_only_function<void()> work);
    /// Ends every conversation of this executor, as a stop does.
    void stop() {
        run([this] { end_tasks(); });
    }
    /// Runs nothing any more, as a thread that ended: what was posted and what will be is dropped.
    void halt();

private:
    friend class VirtualTime;
    bool run_one();

    VirtualTime& time_;
    const Clock& clock_;
    std::deque<std::move_only_function<void()>> posted_;
    bool running_ = false;
    bool halted_ = false;
    double load_ = 0;
};

}   // namespace millrace
