#pragma once

#include "base/executor.hpp"
#include "net/fan_out_ring.hpp"
#include "net/fan_out_window.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace::net {

class Viewing;

/// What the viewings of one fan-out have in common: the window, the read buffer, the ring of those whose link
/// takes nothing, and the door. Own thread only.
class Hall {
public:
    struct Counters {
        std::uint64_t sends = 0;       ///< write calls, the cost of serving
        std::uint64_t bytes_out = 0;   ///< handed to the kernel
        std::uint64_t blocks = 0;      ///< times a link took less than it was offered
        std::uint64_t skips = 0;       ///< times a viewer was moved on to an entrance
        std::uint64_t timed_out = 0;   ///< viewers given up because their link took nothing
    };

    /// `door` is armed when somebody leaves; whoever owns it sweeps `leaving` then.
    Hall(Executor& executor, Timer& door) : executor{executor}, door_{door} {}
    Hall(const Hall&) = delete;
    Hall& operator=(const Hall&) = delete;

    /// The viewer's link takes nothing since `now`; it leaves if that lasts. Calling it again starts anew.
    void stall(Viewing& viewing);
    /// Puts the viewing into `leaving`.
    void show_out(Viewing& viewing);

    Executor& executor;
    WindowPolicy policy;
    Counters counters;
    Ring leaving;
    std::array<std::byte, 64U << 10U> read_buffer;

private:
    void lose_patience();

    Timer& door_;
    Ring stalled_;   // longest first
    Alarm<Hall, &Hall::lose_patience> impatience_{*this};
};

}   // namespace millrace::net
