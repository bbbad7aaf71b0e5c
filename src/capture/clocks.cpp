#include "capture/source.hpp"

#include <time.h>

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

}   // namespace millrace::capture
