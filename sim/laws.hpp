#pragma once

#include "sim/recorded.hpp"

#include <string>
#include <vector>

namespace millrace::sim {

/// What was written to the edge then may be missing in its archive: it lost power, or its disk failed.
struct Excuse {
    Instant from;
    Instant to;
};

/// What the laws look at, once both nodes have stopped.
struct Evidence {
    const Ledger& ledger;
    Recorded edge;     ///< L1
    Recorded server;   ///< L2
    std::vector<Excuse> excuses;
    std::uint64_t said = 0;      ///< results, numbered from 1: `{"n":1}`
    bool clock_jumped = false;   ///< of the edge: lists are by its time of day, which then has overlaps
};

/// The laws that do not hold, each with words: "N1: …". Empty: all do.
std::vector<std::string> broken_laws(const Evidence& evidence);

}   // namespace millrace::sim
