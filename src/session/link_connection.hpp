#pragma once

#include "base/connection.hpp"
#include "base/executor.hpp"
#include "base/link_transport.hpp"
#include "protocol/link/association.hpp"

#include <deque>
#include <utility>

namespace millrace::session {

/// One more, for as long as it lives.
class Counted {
public:
    explicit Counted(std::size_t* count) : count_{count} {
        if (count_ != nullptr) {
            ++*count_;
        }
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() {
        if (count_ != nullptr) {
            --*count_;
        }
    }

private:
    std::size_t* count_;
};

/// A secure link as a stream of bytes, at either end, so that whatever speaks on a connection speaks on it:
/// whole messages below, of KCP or of TLS. It reads no further than its reader: the peer is told. It belongs
/// to one executor.
class LinkConnection : public Connection, public Linked {
public:
    static constexpr std::size_t message_max = 16U << 10U;   ///< for one write
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
    /// Who is at the other end, where it proved itself by a key that both have; empty: it did not.
    const std::string& psk_identity() const { return psk_identity_; }

protected:
    LinkConnection(Executor& executor, Endpoint peer, Endpoint local, std::string psk_identity = {})
        : executor_{executor},
          peer_{std::move(peer)},
          local_{std::move(local)},
          psk_identity_{std::move(psk_identity)} {}

    // What is below.
    /// Bytes that it takes now, up to `message_max`.
    virtual std::size_t room() const = 0;
    /// No more than there is room for. Errc::exhausted: there is none after all.
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
    bool writable() const { return closed_ || ended_ || room() > 0; }

    Executor& executor_;
    Endpoint peer_;
    Endpoint local_;
    std::string psk_identity_;
    std::vector<std::byte> read_;   // the message being read
    std::size_t read_at_ = 0;
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    std::optional<Error> ended_;
    bool closed_ = false;
    Alarm<LinkConnection, &LinkConnection::tell> turn_{*this};
};

/// A link by KCP. It takes `unsent_max` bytes ahead of what the path carries.
class KcpLinkConnection : public LinkConnection {
public:
    static constexpr std::size_t unsent_max = 512U << 10U;
    /// Likewise, beside what is on its way, once it is to hold little: so much time of the rate that the path
    /// has shown, between these.
    static constexpr Duration queued_time = 100ms;
    static constexpr std::size_t queued_least = 4U << 10U;
    static constexpr std::size_t queued_little = 24U << 10U;
    /// And no more while what is on its way is so much later than the shortest round trip: some path's queue
    /// holds it, whatever rate it has.
    static constexpr Duration late_from = 300ms;

    std::size_t unacknowledged() const final;
    void hold_little() final { holds_little_ = true; }
    LinkReport link_report() const final;

protected:
    using LinkConnection::LinkConnection;

    // The link itself, by whoever owns it.
    /// Null: it is over.
    virtual const link::Association* association() const = 0;
    virtual Result<> post(const Bytes& message) = 0;

private:
    std::size_t room() const final;
    Result<> send(const Bytes& message) final;
    bool is_late(const link::Association& link) const;
    void note_written(std::size_t segments);

    bool holds_little_ = false;
    std::uint64_t segments_written_ = 0;
    /// When, and how many with it; of those that the peer may not have acknowledged.
    std::deque<std::pair<Instant, std::uint64_t>> written_;
};

}   // namespace millrace::session
