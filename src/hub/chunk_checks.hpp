#pragma once

#include <cstdint>

namespace millrace::hub {

/// What became of the hashes that a publisher gives of its chunks (`kcp://`).
struct ChunkChecks {
    std::uint64_t proven = 0;       ///< the same was made here
    std::uint64_t different = 0;    ///< something else was
    std::uint64_t incomplete = 0;   ///< not all of it came
    bool operator==(const ChunkChecks&) const = default;
};

}   // namespace millrace::hub
