#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>

namespace millrace {

/// A viewer's place at a log, given by the hub and held by whoever serves the viewer (the fan-out). While it
/// lives the log's view lives; destroying it frees the place. Own executor only.
class Seat {
public:
    static constexpr std::uint64_t nowhere = UINT64_MAX;
    struct Counters {
        std::uint64_t bytes_out = 0;   ///< handed to the kernel
        std::uint64_t writes = 0;      ///< calls that handed it over
        std::uint64_t skips = 0;       ///< times it was moved on to a key frame
        std::uint64_t bytes_skipped = 0;
        bool blocked = false;            ///< its link takes nothing now
        std::uint64_t place = nowhere;   ///< its offset in the log: what lies behind it waits to be sent
    };

    virtual ~Seat() = default;
    /// Why the viewing ends; called once, before destruction.
    virtual void leave(Error reason) = 0;

    Counters counters;
    /// One whose link takes less than there is goes on at a newer key frame where it is further behind.
    Duration lag_max = 3s;
};

}   // namespace millrace
