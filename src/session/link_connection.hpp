#pragma once

#include "base/connection.hpp"
#include "base/executor.hpp"
#include "protocol/link/association.hpp"

namespace millrace::session {

/// A secure link as a stream of bytes, at either end, so that whatever speaks on a connection speaks on it.
/// It takes `unsent_max` bytes ahead of what the path carries, and reads no further than its reader: the
/// window then tells the peer. It belongs to one executor.
class LinkConnection : public Connection {
public:
    static constexpr std::size_t message_max = 16U << 10U;   ///< of KCP, for one write
    static constexpr std::size_t unsent_max = 512U << 10U;
    /// After our close what was written may take so long to leave.
    static constexpr Duration linger_max = 3s;

    LinkConnection(const LinkConnection&) = delete;
    LinkConnection& operator=(const LinkConnection&) = delete;

    Result<std::size_t> try_read(std::span<std::byte> into) final;
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) final;
    void wait_readable(Waiter* waiter) final;
    void wait_writable(Waiter* waiter) final;
    void close() final;
    const Endpoint& peer() const final { return peer_; }
    const Endpoint& local() const final { return local_; }
    bool encrypted() const final { return true; }
    std::size_t unacknowledged() const final;

protected:
    LinkConnection(Executor& executor, Endpoint peer, Endpoint local)
        : executor_{executor}, peer_{std::move(peer)}, local_{std::move(local)} {}

    // The link itself, by whoever owns it.
    /// Null: it is over.
    virtual const link::Association* association() const = 0;
    virtual Result<> send(const Bytes& message) = 0;
    virtual std::optional<std::vector<std::byte>> next_message() = 0;
    virtual void hang_up() = 0;

    /// Something came, or left: who waits for that is told, on its next turn.
    void wake();
    /// The link is over; what came before may still be read.
    void end(const Error& why);
    bool is_closed() const { return closed_; }
    Executor& executor() const { return executor_; }

private:
    void tell();
    bool fill();
    bool readable();
    bool writable() const;

    Executor& executor_;
    Endpoint peer_;
    Endpoint local_;
    std::vector<std::byte> read_;   // the message being read
    std::size_t read_at_ = 0;
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    std::optional<Error> ended_;
    bool closed_ = false;
    Alarm<LinkConnection, &LinkConnection::tell> turn_{*this};
};

}   // namespace millrace::session
