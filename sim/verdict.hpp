#pragma once

#include "sim/viewer.hpp"

namespace millrace::sim {

/// What a scenario demands of a viewer's account.
struct Demands {
    std::uint64_t units_min = 1;     ///< against tests that see nothing
    bool nothing_missing = true;     ///< no hole from the first unit on
    bool times_unchanged = true;     ///< those the publisher wrote, modulo 2^32
    std::int64_t skew_max_ms = 40;   ///< between sound and pictures
    Duration delay_max = Duration::max();
};

/// What is wrong with the account; empty when nothing is.
std::string verdict_of(const Account& account, const Demands& demands);

}   // namespace millrace::sim
