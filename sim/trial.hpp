#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::sim {

/// A bug that is put in, to see that the laws find it.
enum class Plant : std::uint8_t {
    none,
    early,        ///< the server acknowledges before its sync
    lost_syncs,   ///< the edge's disk says that it synced, and did not
};
/// By the name that tools/simulate takes; nothing: there is none.
std::optional<Plant> plant_named(std::string_view name);

/// What happens in a trial.
struct TrialPlan {
    std::uint64_t seed = 1;
    Plant plant = Plant::none;
    bool faults = true;
    bool log = false;   ///< what both nodes say is printed, with the world's time
};

/// How it ended.
struct Outcome {
    std::uint64_t trace = 0;   ///< two runs of a plan must agree
    Duration simulated{};
    std::vector<std::string> faults;   ///< that were drawn, each with its time
    std::vector<std::string> broken;   ///< laws; empty: all hold
    std::uint64_t written = 0;         ///< units of the camera
    std::uint64_t recorded = 0;        ///< of which the server's archive has so many in the end
    std::uint64_t results = 0;         ///< of an application at the edge, that the server's archive has
};

/// A camera at an edge, whose archive goes to a server with viewers: faults of network, disks, processes,
/// power and clocks are drawn from the seed for a while, then they end, and the laws N1 to N6 must hold.
Outcome run_trial(const TrialPlan& plan);

}   // namespace millrace::sim
