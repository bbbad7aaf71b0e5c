#include "capture/source.hpp"

#include <time.h>

#include <cerrno>

namespace millrace::capture {

namespace {

Duration read_clock(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}   // namespace

Moment read_clocks() {
    return {Instant::from_nanoseconds(read_clock(CLOCK_MONOTONIC).count()),
            {read_clock(CLOCK_REALTIME) / 1us}};
}

Moment sleep_until(Instant then) {
    const Duration at{then.nanoseconds()};
    const timespec time{.tv_sec = at / 1s, .tv_nsec = (at % 1s).count()};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
    }
    return read_clocks();
}

}   // namespace millrace::capture
