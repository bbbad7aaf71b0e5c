#pragma once

#include <signal.h>

namespace millrace::loadgen {

/// Set by SIGINT and SIGTERM, once stop_when_told() was called.
inline volatile sig_atomic_t stopped = 0;

inline void stop_when_told() {
    for (const int signal : {SIGINT, SIGTERM}) {
        ::signal(signal, [](int) { stopped = 1; });
    }
}

}   // namespace millrace::loadgen
