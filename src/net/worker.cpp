#include "net/worker.hpp"

#include "base/log.hpp"
#include "net/background_threads.hpp"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <stdexcept>

namespace millrace::net {

namespace {

constexpr Duration load_span = 1s;
constexpr Duration what_they_shared_is_gone = 30s;   // the stream of a crowd outlives it by a while

thread_local const Worker* current_worker = nullptr;

Duration read_clock(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

/// Signals are for the main thread. A blocked SIGPIPE (OpenSSL writes without MSG_NOSIGNAL) is just EPIPE.
void block_signals() {
    sigset_t signals;
    sigfillset(&signals);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF}) {
        sigdelset(&signals, fault);
    }
    pthread_sigmask(SIG_SETMASK, &signals, nullptr);
}

}   // namespace

Instant SystemClock::now() const {
    return Instant::from_nanoseconds(read_clock(CLOCK_MONOTONIC).count());
}

WallTime SystemClock::utc() const {
    return {read_clock(CLOCK_REALTIME).count() / 1000};
}

Worker::Worker() = default;

Worker::~Worker() = default;

void Worker::post(std::move_only_function<void()> work) {
    if (ended_.load(std::memory_order_acquire)) {
        return;
    }
    if (is_current()) {
        due_.push_back(std::move(work));
    } else if (box_.put(std::move(work))) {
        poller_.wake();
    }
}

bool Worker::is_current() const {
    return current_worker == this;
}

void Worker::start() {
    thread_ = std::thread{[this] { run(); }};
}

void Worker::run() {
    current_worker = this;
    block_signals();
    measured_at_ = now();
    busy_at_measure_ = read_clock(CLOCK_THREAD_CPUTIME_ID);
    while (!leaving_) {
        turn();
    }
    current_worker = nullptr;
}

void Worker::turn() {
    const Instant begun = now();
    measure_load(begun);
    const bool ran = timers().run_due(begun) > 0;
    handled_ += poller_.wait(idle_span(ran ? now() : begun), begun);
    box_.take(due_);
    for (int i = 0; i < works_per_turn && !leaving_ && !due_.empty(); ++i) {
        auto work = std::exchange(due_.front(), nullptr);
        due_.pop_front();
        work();
        ++handled_;
    }
    clean_up(now());
}

Duration Worker::idle_span(Instant from) {
    if (!due_.empty() || !box_.may_sleep()) {
        return Duration::zero();
    }
    const Instant next = timers().earliest();
    return next == Instant::never() ? Duration::max() : std::max(next - from, Duration::zero());
}

Background* Worker::lookups() {
    if (lookups_ == nullptr) {
        try {
            lookups_ = std::make_unique<BackgroundThreads>(1);
        } catch (const std::runtime_error& error) {
            log::warning("net", "host names cannot be looked up: {}", error.what());
        }
    }
    return lookups_.get();
}

void Worker::clean_up(Instant now) {
    most_watched_ = std::max(most_watched_, watched_);
    if (most_watched_ >= crowd && watched_ < most_watched_ / 4) {
        most_watched_ = watched_;
        malloc_trim(0);   // else glibc keeps whatever lies below the newest allocation
        clean_again_at_ = now + what_they_shared_is_gone;
    } else if (now >= clean_again_at_) {
        malloc_trim(0);
        clean_again_at_ = Instant::never();
    }
}

void Worker::measure_load(Instant now) {
    const Duration span = now - measured_at_;
    if (span < load_span) {
        return;
    }
    const Duration busy = read_clock(CLOCK_THREAD_CPUTIME_ID);
    const double share =
        static_cast<double>((busy - busy_at_measure_).count()) / static_cast<double>(span.count());
    load_ = std::min(share, 1.0);
    measured_at_ = measured_at_ + span;
    busy_at_measure_ = busy;
}

bool Worker::settle() {
    stopping_ = true;
    const bool idle = tasks().size() == 0 && handled_ == handled_settled_;
    end_tasks();
    handled_settled_ = handled_ + 1;   // this very call is counted when it returns
    return idle;
}

void Worker::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
    ended_.store(true, std::memory_order_release);
}

void Worker::drop_queue() {
    ended_.store(true, std::memory_order_release);
    lookups_.reset();
    box_.take(due_);
    while (!due_.empty()) {
        const auto dropped = std::exchange(due_.front(), nullptr);
        due_.pop_front();
    }
}

}   // namespace millrace::net
