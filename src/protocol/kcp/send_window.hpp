#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "protocol/kcp/sn_ring.hpp"

#include <array>
#include <deque>
#include <span>

namespace millrace::kcp {

/// One copy of a segment that left.
struct Transmission {
    std::uint64_t order = 0;   ///< number of its datagram, of all that carried data
    Instant at;
    std::uint32_t ts = 0;   ///< what its acknowledgement echoes
    std::uint32_t round = 0;
    bool acked = false;
};

/// A segment on its way: sent, and not below the peer's una.
struct Outstanding {
    /// Copies that are remembered: the first, and the newest.
    static constexpr std::size_t copies_remembered = 8;

    Bytes payload;
    std::uint32_t sn = 0;
    std::uint8_t frg = 0;
    std::uint8_t copies = 0;   ///< remembered in `sent`
    bool delivered = false;    ///< acknowledged out of order
    bool lost = false;         ///< waits to be sent again
    bool timed_out = false;    ///< its last loss was found by the timer, late
    unsigned rides_left = 0;
    std::uint32_t rounds = 0;   ///< how often it was sent, copies of one flush counted once
    std::array<Transmission, copies_remembered> sent;
    Instant overtaken_at = Instant::never();         ///< a later datagram than its last arrived
    Instant first_overtaken_at = Instant::never();   ///< a later one than its first
    // Classic recovery
    Duration rto{};
    Instant resend_at = Instant::never();
    unsigned skipped = 0;

    const Transmission& first() const { return sent[0]; }
    const Transmission& last() const { return sent[copies - 1U]; }
    std::span<Transmission> remembered() { return std::span{sent}.first(copies); }
    void remember(const Transmission& transmission);
    /// The oldest unacknowledged copy with that time stamp: copies of one millisecond look alike.
    Transmission* find(std::uint32_t ts);
};

/// What waits to be sent, cut into segments, and what is on its way. Owned by a Conversation.
class SendWindow {
public:
    explicit SendWindow(std::uint32_t first_sn) : una_{first_sn}, next_{first_sn} {}

    /// Cuts a message into equal fragments of at most `segment_max`; equal ones waste no parity.
    void push_message(const Bytes& message, std::size_t segment_max);
    /// Joins bytes to what waits already; all fragments are numbered 0.
    void push_stream(const Bytes& bytes, std::size_t segment_max);

    /// Moves the next segment that waits into the window.
    Outstanding& open_next();
    /// Everything below `una` arrived. The caller has looked at those that leave.
    void free_below(std::uint32_t una);

    std::uint32_t una() const { return una_; }
    std::uint32_t next() const { return next_; }
    std::size_t in_flight() const { return next_ - una_; }
    std::size_t in_flight_bytes() const { return in_flight_bytes_; }
    std::size_t queued() const { return queue_.size(); }
    std::size_t queued_bytes() const { return queued_bytes_; }
    /// Bytes of the first segment that waits.
    std::size_t queued_first() const { return queue_.front().payload.size(); }
    bool holds(std::uint32_t sn) const { return sn - una_ < next_ - una_; }
    Outstanding& at(std::uint32_t sn) { return ring_[sn]; }

private:
    struct Queued {
        Bytes payload;
        std::uint8_t frg;
    };

    std::deque<Queued> queue_;
    std::size_t queued_bytes_ = 0;
    std::size_t in_flight_bytes_ = 0;
    SnRing<Outstanding> ring_;
    std::uint32_t una_;
    std::uint32_t next_;
};

}   // namespace millrace::kcp
