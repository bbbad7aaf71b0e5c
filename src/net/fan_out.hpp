#pragma once

#include "net/fan_out_audience.hpp"
#include "net/fan_out_hall.hpp"
#include "net/fan_out_slab.hpp"
#include "net/fan_out_viewing.hpp"

#include <cstddef>
#include <memory>
#include <unordered_map>

namespace millrace::net {

/// Serves the viewers of one worker from the logs' shared bytes: one gathered, non-blocking write a viewer
/// and flush, from its cursor to the log's head. Nothing is copied or allocated for it, and nobody waits for
/// anybody: a link that takes nothing is left out until it does, moved on to a newer entrance when it lags,
/// and given up when it stays so. One a worker, own thread only; not to be destroyed from within a Seat.
class FanOut {
public:
    using Viewer = net::Viewer;
    using Counters = Hall::Counters;

    explicit FanOut(Executor& executor);
    FanOut(const FanOut&) = delete;
    FanOut& operator=(const FanOut&) = delete;
    /// Whoever is left leaves with Errc::cancelled.
    ~FanOut();

    /// Takes over a viewer of this log. Its Seat keeps the log alive; it is told to leave, and destroyed,
    /// later from the executor, never from inside a call of ours or of the log's.
    void join(LogView& log, Viewer viewer);

    std::size_t viewers() const { return viewers_; }
    /// How long bytes are left to gather before they are sent.
    Duration window() const { return hall_.policy.window(); }
    const Counters& counters() const { return hall_.counters; }

private:
    void sweep();
    void review();

    Alarm<FanOut, &FanOut::sweep> door_{*this};
    Alarm<FanOut, &FanOut::review> second_{*this};
    Hall hall_;
    Slab<Viewing> slab_;
    std::unordered_map<LogView*, std::unique_ptr<Audience>> audiences_;
    std::size_t viewers_ = 0;
};

}   // namespace millrace::net
