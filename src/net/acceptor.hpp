#pragma once

#include "base/rate_limit.hpp"
#include "net/reception.hpp"
#include "net/watch.hpp"

#include <atomic>

namespace millrace::net {

/// The listening socket in one worker's loop. Made anywhere, then started and destroyed on that worker.
class Acceptor final : Watch::Owner, Timer {
public:
    Acceptor(Worker& home, Descriptor socket, ReceptionRef reception);
    void start() { watch_.ask(Watch::Direction::read); }

    /// For those who come from now on. On that worker.
    void use(Terms terms);

    /// How often it ran out of descriptors and paused. Any thread.
    std::size_t pauses() const { return pauses_; }

private:
    static constexpr int accepts_per_turn = 64;
    static constexpr Duration pause = 100ms;
    using LogLimit = RateLimit<1, 3>;   // lines about strangers that were turned away

    void on_ready(Watch::Direction direction) override;
    void on_time() override { on_ready(Watch::Direction::read); }
    void pause_for(int error);
    void take_in(Descriptor socket, const PeerAddress& peer);

    Worker& home_;
    ReceptionRef reception_;
    Watch watch_;
    std::atomic<std::size_t> pauses_ = 0;
    bool out_of_descriptors_ = false;
    LogLimit log_limit_;
};

}   // namespace millrace::net
