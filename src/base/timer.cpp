#include "base/timer.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

Timer::~Timer() {
    disarm();
}

void Timer::disarm() {
    if (queue_ != nullptr) {
        queue_->disarm(*this);
    }
}

TimerQueue::~TimerQueue() {
    for (Timer* timer : heap_) {
        timer->queue_ = nullptr;
    }
}

bool TimerQueue::before(const Timer& a, const Timer& b) const {
    return a.when_ != b.when_ ? a.when_ < b.when_ : a.order_ < b.order_;
}

void TimerQueue::place(std::size_t at, Timer* timer) {
    heap_[at] = timer;
    timer->place_ = at;
}

void TimerQueue::sift_up(std::size_t at) {
    Timer* const timer = heap_[at];
    while (at > 0 && before(*timer, *heap_[(at - 1) / 2])) {
        place(at, heap_[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(at, timer);
}

void TimerQueue::sift_down(std::size_t at) {
    Timer* const timer = heap_[at];
    for (;;) {
        std::size_t child = 2 * at + 1;
        if (child >= heap_.size()) {
            break;
        }
        if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) {
            ++child;
        }
        if (!before(*heap_[child], *timer)) {
            break;
        }
        place(at, heap_[child]);
        at = child;
    }
    place(at, timer);
}

void TimerQueue::arm(Timer& timer, Instant when) {
    timer.disarm();
    if (when == Instant::never()) {
        return;
    }
    timer.queue_ = this;
    timer.when_ = std::max(when, running_);
    timer.order_ = armed_++;
    heap_.push_back(&timer);
    sift_up(heap_.size() - 1);
}

void TimerQueue::disarm(Timer& timer) {
    const std::size_t at = timer.place_;
    timer.queue_ = nullptr;
    Timer* const last = heap_.back();
    heap_.pop_back();
    if (last == &timer) {
        return;
    }
    place(at, last);
    sift_up(at);
    sift_down(last->place_);
}

std::size_t TimerQueue::run_due(Instant now) {
    const std::uint64_t armed_before = armed_;
    const Instant was_running = std::exchange(running_, now);
    std::size_t count = 0;
    while (!heap_.empty() && heap_.front()->when_ <= now && heap_.front()->order_ < armed_before) {
        Timer& timer = *heap_.front();
        disarm(timer);
        ++count;
        timer.on_time();
    }
    running_ = was_running;
    return count;
}

}   // namespace millrace
