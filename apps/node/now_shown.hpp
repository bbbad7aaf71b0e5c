#pragma once

#include "session/decoded_play.hpp"

#include <time.h>

namespace millrace::apps {

/// A picture that is seen at this moment.
inline session::Showing now_shown() {
    const auto read = [](clockid_t clock) {
        timespec time{};
        clock_gettime(clock, &time);
        return Duration{std::chrono::seconds{time.tv_sec}} + std::chrono::nanoseconds{time.tv_nsec};
    };
    return {.seen = true, .at = Instant{} + read(CLOCK_MONOTONIC), .utc = {read(CLOCK_REALTIME) / 1us}};
}

}   // namespace millrace::apps
