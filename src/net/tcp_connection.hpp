#pragma once

#include "base/connection.hpp"
#include "net/watch.hpp"

namespace millrace::net {

/// Sets what every TCP socket of ours has: no Nagle, a short unsent queue, an early end of dead peers.
void tune(int socket);

/// A Connection over a non-blocking TCP socket. It lives on its worker's thread.
class TcpConnection final : public Connection, private Watch::Owner {
public:
    TcpConnection(Worker& worker, Descriptor socket);
    ~TcpConnection() override;

    Result<std::size_t> try_read(std::span<std::byte> into) override;
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override;
    void wait_readable(Waiter* waiter) override;
    void wait_writable(Waiter* waiter) override;
    void close() override;
    const Endpoint& peer() const override { return peer_; }
    const Endpoint& local() const override { return local_; }
    bool encrypted() const override { return false; }

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
    Endpoint peer_;
    Endpoint local_;
};

}   // namespace millrace::net
