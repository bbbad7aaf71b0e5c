#pragma once

#include "net/descriptor.hpp"
#include "net/poller.hpp"
#include "net/worker.hpp"

namespace millrace::net {

/// A descriptor in a worker's event loop: it tells its owner when the descriptor may be read or written.
/// Own thread only. Nothing is told after its destruction.
class Watch {
public:
    using Direction = Poller::Direction;
    using Owner = Poller::Owner;

    Watch(Worker& worker, Descriptor descriptor, Owner& owner);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// -1 once released.
    int descriptor() const { return descriptor_.number(); }
    /// Tells when `direction` is ready, fails or hangs up; soon if the descriptor was released.
    void ask(Direction direction) { worker_.poller().ask(place_, direction); }
    /// Tells soon, whatever the descriptor's state.
    void nudge(Direction direction) { worker_.poller().nudge(place_, direction); }
    /// A read of it found less than it had room for, or nothing: the next `ask` is free.
    void drained() { worker_.poller().drained(place_); }
    /// What comes may wait for a millisecond while there is much of it, see Poller.
    void be_patient() { worker_.poller().be_patient(place_); }
    /// Gives the descriptor away; what was asked is answered soon.
    Descriptor release();

private:
    Worker& worker_;
    Descriptor descriptor_;
    Poller::Place& place_;
};

}   // namespace millrace::net
