#pragma once

#include "base/connection.hpp"
#include "net/lobby.hpp"
#include "net/watch.hpp"

namespace millrace::net {

/// Sets what every TCP socket of ours has: no Nagle, a short unsent queue, an early end of dead peers.
void tune(int socket);

/// What is known of a connection that was accepted.
struct Arrival {
    Endpoint peer;            ///< the client, also where a proxy that we trust stands between
    Lobby::Pass pass;         ///< its place among the strangers, until somebody is let in
    bool encrypted = false;   ///< as far as that proxy
};

/// A Connection over a non-blocking TCP socket. It lives on its worker's thread.
class TcpConnection final : public Connection, private Watch::Owner {
public:
    /// The peer is whom the kernel says.
    TcpConnection(Worker& worker, Descriptor socket);
    TcpConnection(Worker& worker, Descriptor socket, Arrival arrival);
    ~TcpConnection() override;

    Result<std::size_t> try_read(std::span<std::byte> into) override;
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override;
    void wait_readable(Waiter* waiter) override;
    void wait_writable(Waiter* waiter) override;
    void close() override;
    const Endpoint& peer() const override { return peer_; }
    const Endpoint& local() const override { return local_; }
    bool encrypted() const override { return encrypted_; }
    std::size_t unacknowledged() const override;
    void hold_little() override;
    void let_in() override { pass_.give_back(); }
    void be_patient() override { watch_.be_patient(); }

    Worker& worker() { return worker_; }
    /// The socket; -1 once closed.
    int socket() const { return watch_.descriptor(); }
    /// Tells the waiter of `direction`, if one is armed, soon and whatever the socket's state.
    void nudge(Watch::Direction direction) { watch_.nudge(direction); }
    /// Closes this end as `close` does, but leaves the socket to the caller. Empty if already closed.
    Descriptor release();
    /// Closes at once, without letting anything leave (`parting.hpp`, which has done so).
    void drop() { release(); }

private:
    void on_ready(Watch::Direction direction) override;

    Worker& worker_;
    Watch watch_;
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    bool closed_ = false;   // here, so that a write touches one cache line
    bool encrypted_ = false;
    Lobby::Pass pass_;
    Endpoint peer_;
    Endpoint local_;
};

}   // namespace millrace::net
