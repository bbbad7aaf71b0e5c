#pragma once

#include <cstdint>

namespace millrace {

/// What this process takes of its machine. `net/process_facts.hpp` reads it.
struct ProcessFacts {
    std::uint64_t resident_bytes = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t descriptors_max = 0;
    std::uint64_t threads = 0;
    double cpu_seconds = 0;
    std::uint64_t turned_away = 0;         ///< connections, at the limit of strangers from one address
    std::uint64_t strange_datagrams = 0;   ///< at the ports of RTSP, from nobody whom we listen to
};

}   // namespace millrace
