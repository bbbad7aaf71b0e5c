#pragma once

#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"
#include "sim/ledger.hpp"
#include "sim/machine.hpp"
#include "sim/trace.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace millrace::sim {

/// Both directions between a client and a machine.
struct Link {
    VirtualLink up;
    VirtualLink down;
    std::optional<std::size_t> worker;   ///< which of its workers accepts; nothing: each in turn
    std::size_t machine = 0;             ///< number of the machine: the server
};

/// A link with anything TCP may do to us, drawn from `chance`, and at least 40 kB/s.
Link any_link(Random& chance);
inline Duration between(Random& chance, Duration least, Duration most) {
    return least + std::chrono::microseconds{chance.below(static_cast<std::uint32_t>((most - least) / 1us))};
}

/// Somebody who talks to the server; the world owns it.
class Actor {
public:
    virtual ~Actor() = default;
};

/// A server as `millrace serve` builds it, its clients, other machines if there are any, and the network
/// between them, in one thread on virtual time: what happens is a function of the seed.
class World {
public:
    explicit World(std::uint64_t seed) : World{seed, MachinePlan{}} {}
    World(std::uint64_t seed, MachinePlan server);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    /// The server is machine 0.
    Machine& add_machine(MachinePlan plan);
    Machine& machine(std::size_t number) { return *machines_.at(number); }

    /// The client's end of a new connection; the machine's is served from now on, or was closed if it is
    /// down.
    std::unique_ptr<Connection> connect_rtmp(const Link& link);
    std::unique_ptr<Connection> connect_http(const Link& link);

    template <class Who, class... Args>
    Who& add(Args&&... args) {
        auto actor = std::make_unique<Who>(*this, std::forward<Args>(args)...);
        Who& who = *actor;
        actors_.push_back(std::move(actor));
        return who;
    }
    /// Starts a conversation of the clients' side.
    void start(Task<> task);

    void run_for(Duration span) { time_.run_for(span); }
    Instant now() const { return time_.now(); }
    Executor& clients() { return clients_; }
    VirtualNetwork& network() { return network_; }
    /// The scenario's dice: another than the scheduler's, so that both stay independent.
    Random& chance() { return chance_; }
    Ledger& ledger() { return ledger_; }
    Trace& trace() { return trace_; }
    std::uint64_t next_number() { return ++numbers_; }

    Machine::Held held() { return machines_.front()->held(); }
    std::vector<hub::StreamReport> reports() { return machines_.front()->reports(); }
    /// Every conversation of the server ends at once. Clients live on.
    void stop_server() { machines_.front()->stop(); }

private:
    using Serve = void (Machine::*)(std::size_t worker, std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> connect(const Link& link, std::uint16_t port, Serve serve);

    VirtualTime time_;
    SeededRandom chance_;
    std::uint64_t seed_;
    Ledger ledger_;
    Trace trace_;
    VirtualExecutor& clients_;
    VirtualNetwork network_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::vector<std::unique_ptr<Actor>> actors_;
    std::uint64_t numbers_ = 0;
    std::uint64_t connections_ = 0;
};

}   // namespace millrace::sim
