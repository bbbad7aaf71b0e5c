#pragma once

#include "base/random.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace millrace::sim {

/// Something that goes wrong for a while, drawn from a seed.
struct Fault {
    enum class Kind : std::uint8_t {
        path,        ///< delay, jitter, loss, order, duplicates, changed bits
        rate,        ///< a link of little more than the stream needs, or less, with a queue
        partition,   ///< nothing passes
        bursts,      ///< nothing passes, again and again, for less than a second
        flapping,    ///< 2 s up, 3 s down
        kill,        ///< the process ends, and begins again
        power_cut,
        stop,          ///< in good order, and begins again
        disk_call,     ///< one call fails
        disk_broken,   ///< every call fails
        disk_full,
        disk_read_only,
        disk_slow,
        disk_stall,
        clock_jump,
        clock_drift,
        count
    };
    Kind kind = Kind::path;
    std::size_t machine = 0;   ///< of those that belong to one: 0 the server, 1 the edge
    Duration at{};             ///< since the trial began
    Duration length{};
    std::uint32_t dice = 0;   ///< what else it draws

    Duration end() const { return at + length; }
    std::string text() const;
};

/// Faults of the first `span`, in order of time; all have ended `longest` later.
std::vector<Fault> draw_faults(Random& chance, Duration span);

}   // namespace millrace::sim
