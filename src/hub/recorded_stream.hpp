#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <string>

namespace millrace::hub {

/// A stream of which a node has recordings, whether it is published now or not.
struct RecordedStream {
    std::string name;
    WallTime from;             ///< when the oldest begins,
    WallTime to;               ///< and the newest ends
    std::uint64_t bytes = 0;   ///< of their files, on the disk and in the bucket
    std::uint64_t gaps = 0;    ///< that are known in all that time
    bool recording = false;    ///< more comes
};

}   // namespace millrace::hub
