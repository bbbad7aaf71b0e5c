#pragma once

#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace {

class TimerQueue;

/// Something that happens once at a moment. Derive, implement `on_time`, arm on the queue of the executor
/// that owns the object. Its destructor disarms. One thread.
class Timer {
public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    virtual ~Timer();

    virtual void on_time() = 0;
    bool armed() const { return queue_ != nullptr; }
    Instant when() const { return when_; }
    void disarm();

private:
    friend class TimerQueue;
    TimerQueue* queue_ = nullptr;
    std::size_t place_ = 0;   // in the queue's heap
    Instant when_;
    std::uint64_t order_ = 0;
};

/// A timer that calls a member function of its owner.
template <class Owner, void (Owner::*call)()>
class Alarm final : public Timer {
public:
    explicit Alarm(Owner& owner) : owner_{owner} {}

private:
    void on_time() override { (owner_.*call)(); }
    Owner& owner_;
};

/// The armed timers of one executor: a binary heap, earliest first, first armed first among equals.
class TimerQueue {
public:
    TimerQueue() = default;
    TimerQueue(const TimerQueue&) = delete;
    TimerQueue& operator=(const TimerQueue&) = delete;
    ~TimerQueue();

    /// Arms or moves the timer; `Instant::never()` disarms it. From within `run_due` a moment already past
    /// counts as now, behind everything else that is due.
    void arm(Timer& timer, Instant when);
    void disarm(Timer& timer);
    /// When the next timer is due; `Instant::never()` if none is armed.
    Instant earliest() const { return heap_.empty() ? Instant::never() : heap_.front()->when_; }
    /// Calls every timer due at `now` that was armed before this call. Returns how many.
    std::size_t run_due(Instant now);

private:
    bool before(const Timer& a, const Timer& b) const;
    void place(std::size_t at, Timer* timer);
    void sift_up(std::size_t at);
    void sift_down(std::size_t at);

    std::vector<Timer*> heap_;
    std::uint64_t armed_ = 0;
    Instant running_ = Instant::from_nanoseconds(INT64_MIN);   // the moment run_due works at
};

}   // namespace millrace
