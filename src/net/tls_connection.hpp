#pragma once

#include "net/tcp_connection.hpp"
#include "net/tls.hpp"

#include <optional>
#include <vector>

namespace millrace::net {

/// A Connection that speaks TLS over a TCP socket. The handshake happens inside `try_read` and `try_write`,
/// which say would_block until it is done; its deadline is the user's. Own worker's thread only.
class TlsConnection final : public Connection {
public:
    TlsConnection(Worker& worker, Descriptor socket, UniqueSsl ssl);
    TlsConnection(Worker& worker, Descriptor socket, UniqueSsl ssl, Arrival arrival);
    ~TlsConnection() override;

    /// Goes on with the handshake; would_block while it waits (`wait_writable` then waits for what it needs).
    Result<> handshake();

    Result<std::size_t> try_read(std::span<std::byte> into) override;
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override;
    void wait_readable(Waiter* waiter) override;
    void wait_writable(Waiter* waiter) override;
    void close() override;
    const Endpoint& peer() const override { return socket_.peer(); }
    const Endpoint& local() const override { return socket_.local(); }
    bool encrypted() const override { return true; }
    std::size_t unacknowledged() const override { return socket_.unacknowledged(); }
    void hold_little() override { socket_.hold_little(); }
    void let_in() override { socket_.let_in(); }
    void be_patient() override { socket_.be_patient(); }

private:
    using Direction = Watch::Direction;

    /// Listens to one direction of the socket.
    struct Side final : Waiter {
        Side(TlsConnection& its, Direction way) : connection{its}, direction{way} {}
        void on_ready(Result<> ready) override { connection.on_socket(direction, ready); }
        TlsConnection& connection;
        Direction direction;
    };

    void on_socket(Direction direction, Result<> ready);
    /// Waits for those directions of the socket that somebody needs.
    void arm();
    /// Sends `slice` until it is gone or the socket is full. Returns how much of it was taken.
    Result<std::size_t> write_records(ByteSpan slice);
    void finish_pending();
    /// What an OpenSSL call that did not succeed means for the direction it served.
    std::unexpected<Error> outcome(int returned, Direction& wants);

    TcpConnection socket_;
    UniqueSsl ssl_;
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    Side read_side_{*this, Direction::read};
    Side write_side_{*this, Direction::write};
    // The record OpenSSL has begun to send. To our user these bytes are written, as if the kernel had them;
    // OpenSSL wants them again until they are gone.
    std::vector<std::byte> pending_;
    std::optional<Error> broken_;   // set for good by a failure
    Direction read_wants_ = Direction::read;
    Direction write_wants_ = Direction::write;
    bool established_ = false;
    bool closed_ = false;
};

}   // namespace millrace::net
