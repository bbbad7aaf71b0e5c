#pragma once

#include "protocol/kcp/round_trip.hpp"
#include "protocol/kcp/segment.hpp"
#include "protocol/kcp/send_window.hpp"
#include "protocol/kcp/settings.hpp"

#include <memory>
#include <optional>
#include <span>

namespace millrace::kcp {

/// What one datagram acknowledged.
struct Acked {
    std::span<const Echo> echoes;
    std::uint32_t una = 0;   ///< within the window
    Instant now;
};

/// What that meant.
struct Progress {
    std::size_t delivered = 0;   ///< segments that were not known to have arrived
    std::size_t bytes = 0;       ///< of these, with their headers and part of IP's and UDP's
    static constexpr std::size_t full_over_overhead = 50;   ///< a full datagram in those of IP and UDP
    std::optional<std::uint64_t> newest_order;   ///< of the datagrams that arrived by now, if that is news

    void count(const Outstanding& segment) {
        ++delivered;
        const std::size_t size = segment.payload.size() + header_size;
        bytes += size + size / full_over_overhead;
    }
};

/// Segments that were found to be lost.
struct Losses {
    unsigned by_gap = 0;
    unsigned by_timer = 0;
};

/// Finds out which segments have to be sent again. Owned by a Conversation.
class Recovery {
public:
    virtual ~Recovery() = default;

    struct Sending {
        std::uint64_t order;
        Instant now;
        std::uint32_t ts;
        bool new_round;   ///< not a further copy
    };
    virtual void on_sent(Outstanding& segment, const Sending& sending) = 0;
    /// A copy left of a segment that may have arrived long ago: its acknowledgement is news of the path.
    virtual void on_repeat(std::uint32_t /*sn*/, const Sending& /*sending*/) {}
    /// Marks what was delivered. What lies below una is freed after this.
    virtual Progress on_acks(SendWindow& window, const Acked& acked) = 0;
    /// How long a gap is left to another layer that may fill it.
    virtual void leave_gaps(Duration wait) = 0;
    /// Marks what is lost.
    virtual Losses examine(SendWindow& window, Instant now) = 0;
    /// When examine() has something to do.
    virtual Instant deadline() const = 0;
    /// How many times a segment that is lost leaves.
    virtual unsigned copies(const Outstanding& segment) const = 0;
    /// Share of first copies that are lost, as far as it can tell.
    virtual double loss() const = 0;
    /// Whether what is lost takes its neighbours along.
    virtual bool loses_in_bursts() const = 0;
    /// How long a gap is waited for.
    virtual Duration reorder_window() const = 0;

    const RoundTrip& round_trip() const { return round_trip_; }

protected:
    RoundTrip round_trip_;
};

std::unique_ptr<Recovery> make_recovery(const Settings& settings);

}   // namespace millrace::kcp
