#pragma once

#include "base/result.hpp"

#include <cstdint>

namespace millrace {

/// A viewer's place at a log, given by the hub and held by whoever serves the viewer (the fan-out). While it
/// lives the log's view lives; destroying it frees the place. Own executor only.
class Seat {
public:
    struct Counters {
        std::uint64_t bytes_out = 0;   ///< handed to the kernel
        std::uint64_t writes = 0;      ///< calls that handed it over
        std::uint64_t skips = 0;       ///< times it was moved on to a key frame
        std::uint64_t bytes_skipped = 0;
        bool blocked = false;   ///< its link takes nothing now
    };

    virtual ~Seat() = default;
    /// Why the viewing ends; called once, before destruction.
    virtual void leave(Error reason) = 0;

    Counters counters;
};

}   // namespace millrace
