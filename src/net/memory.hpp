#pragma once

#include "base/executor.hpp"
#include "base/timer.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace millrace::net {

/// Watches how much memory this process may still take, by its own limit (RLIMIT_AS) and by that of its
/// control group, so that newcomers are refused before those who are in run out of it. Lives on `home`.
class Memory final : Timer {
public:
    /// Less than this, and nobody new is let in.
    static constexpr std::uint64_t reserve = 48U << 20U;
    static constexpr Duration look_every = 250ms;

    explicit Memory(Executor& home);
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    /// Any thread.
    bool scarce() const { return scarce_.load(std::memory_order_relaxed); }

private:
    void on_time() override;
    void look();

    Executor& home_;
    std::string group_;   // the folder of our control group; empty: it has no limit that we can see
    std::atomic<bool> scarce_ = false;
};

}   // namespace millrace::net
