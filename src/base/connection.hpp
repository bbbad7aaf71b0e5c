#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/waitable.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace millrace {

/// An IP address and port as text: `192.0.2.1:1935`, `[2001:db8::1]:1935`.
struct Endpoint {
    std::string address;   ///< without brackets
    std::uint16_t port = 0;
    std::string text() const;
};

/// A stream of bytes to one peer: plain TCP, TLS, or simulated. It belongs to one executor and never moves.
/// Nothing here blocks and nothing copies: what does not fit now answers Errc::would_block.
class Connection : public Waitable {
public:
    /// At least one byte, or Errc::would_block, Errc::closed at the peer's end, Errc::io.
    virtual Result<std::size_t> try_read(std::span<std::byte> into) = 0;
    /// Sends what fits of `slices` (at most `gather_max` are looked at); would_block if nothing did.
    /// After a partial write or would_block the next call must begin with the same bytes as before, at least
    /// as far as `held_max` of what did not go: a TLS record may be made of them already.
    virtual Result<std::size_t> try_write(std::span<const ByteSpan> slices) = 0;

    /// Ends the conversation: waiters are told Errc::cancelled, later calls fail with it. What was written
    /// still leaves. Idempotent; own executor only.
    virtual void close() = 0;

    virtual const Endpoint& peer() const = 0;
    virtual const Endpoint& local() const = 0;
    virtual bool encrypted() const = 0;
    /// Somebody was let in on it: it no longer counts as a stranger of its address (`net::Lobby`).
    virtual void let_in() {}

    /// Bytes that were written and that the peer has not acknowledged, as far as the system knows.
    virtual std::size_t unacknowledged() const { return 0; }
    /// What the system takes ahead of what it can send is little from now on: where what waits may yet be
    /// thought better of.
    virtual void hold_little() {}
    /// What comes is media, and nobody's question: it may wait for a millisecond while there is much of it on
    /// this worker, so that many publishers cost few wakes.
    virtual void be_patient() {}

    static constexpr std::size_t gather_max = 16;
    static constexpr std::size_t held_max = 16U << 10U;
};

/// Where connections come from. Each accepted one is handed over on the executor that will own it.
class Listener {
public:
    virtual ~Listener() = default;
    virtual const Endpoint& local() const = 0;
    /// Stops accepting; connections already accepted live on.
    virtual void close() = 0;
};

class Executor;
/// Takes an accepted connection; called on the executor that owns it, so on all of them at once.
using OnAccept = std::function<void(Executor& worker, std::unique_ptr<Connection> connection)>;

}   // namespace millrace
