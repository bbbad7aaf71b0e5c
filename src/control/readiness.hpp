#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::control {

/// Where a node is in its life, for `/readyz`. Whoever starts and stops it says so; any thread asks.
class Readiness {
public:
    enum class Phase : std::uint8_t { starting, ready, draining };

    void say(Phase phase) { phase_ = phase; }
    Phase phase() const { return phase_; }

private:
    std::atomic<Phase> phase_ = Phase::starting;
};

}   // namespace millrace::control
