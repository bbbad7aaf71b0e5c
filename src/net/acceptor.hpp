#pragma once

#include "net/listener.hpp"
#include "net/watch.hpp"

#include <atomic>

namespace millrace::net {

/// The listening socket in one worker's loop. Made anywhere, then started and destroyed on that worker.
class Acceptor final : Watch::Owner, Timer {
public:
    struct Target {
        WorkerPool& pool;
        std::shared_ptr<const TlsServer> tls;
        OnAccept on_accept;
    };

    Acceptor(Worker& home, Descriptor socket, Target target);
    void start() { watch_.ask(Watch::Direction::read); }

    /// How often it ran out of descriptors and paused. Any thread.
    std::size_t pauses() const { return pauses_; }

private:
    static constexpr int accepts_per_turn = 64;
    static constexpr Duration pause = 100ms;

    void on_ready(Watch::Direction direction) override;
    void on_time() override { on_ready(Watch::Direction::read); }
    void pause_for(int error);
    void hand_over(Descriptor socket);

    Worker& home_;
    std::shared_ptr<const Target> target_;   // connections on their way keep it
    Watch watch_;
    std::atomic<std::size_t> pauses_ = 0;
    bool out_of_descriptors_ = false;
};

}   // namespace millrace::net
