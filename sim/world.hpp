#pragma once

#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"
#include "sim/ledger.hpp"
#include "sim/trace.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace millrace::sim {

/// Both directions between a client and the server.
struct Link {
    VirtualLink up;
    VirtualLink down;
    std::optional<std::size_t> worker;   ///< which server worker accepts; nothing: each in turn
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

/// A server as `millrace serve` builds it, its clients, and the network between them, in one thread on
/// virtual time: what happens is a function of the seed.
class World {
public:
    struct Options {
        std::size_t server_workers = 2;
        Duration grace = 10s;
    };
    /// What the server still holds of the conversations it had.
    struct Held {
        std::size_t conversations = 0;   ///< coroutines
        std::size_t sessions = 0;        ///< in the registries
        std::size_t viewers = 0;         ///< in the fan-outs
        std::size_t mirrors = 0;
        std::size_t streams = 0;
        bool operator==(const Held&) const = default;
    };

    explicit World(std::uint64_t seed) : World{seed, Options{}} {}
    World(std::uint64_t seed, Options options);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    /// The client's end of a new connection; the server's is served from now on.
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
    /// The scenario's dice: another than the scheduler's, so that both stay independent.
    Random& chance() { return chance_; }
    Ledger& ledger() { return ledger_; }
    Trace& trace() { return trace_; }
    std::uint64_t next_number() { return ++numbers_; }

    Held held();
    std::vector<hub::StreamReport> reports();
    /// As SIGTERM does it: every conversation of the server ends at once. Clients live on.
    void stop_server();

private:
    struct OpenToAll final : hub::Admission {
        void decide(hub::Petition, Reply<hub::Admitted> reply) override {
            reply.give(hub::Admitted{.identity = {.name = "anyone"}, .anyone = true});
        }
    };
    struct Counter {
        Counter(Executor& executor, hub::Directory& directory, hub::Admission& admission, Random& random)
            : desk{executor, directory, admission, random} {}
        session::Desk desk;
        std::vector<web::Route> routes;
    };
    struct Ends {
        std::unique_ptr<Connection> client;
        std::unique_ptr<Connection> server;
    };
    std::size_t choose_worker(const Link& link);
    Ends connect(const Link& link, std::size_t worker, std::uint16_t port);

    VirtualTime time_;
    SeededRandom chance_;
    SeededRandom server_random_;
    Ledger ledger_;
    Trace trace_;
    VirtualExecutor& clients_;
    std::vector<VirtualExecutor*> workers_;
    hub::Directory directory_;
    OpenToAll admission_;
    std::vector<std::unique_ptr<Counter>> counters_;
    std::vector<std::unique_ptr<Actor>> actors_;
    std::uint64_t numbers_ = 0;
    std::uint64_t connections_ = 0;
};

}   // namespace millrace::sim
