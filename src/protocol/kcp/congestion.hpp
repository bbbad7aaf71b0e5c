#pragma once

#include "protocol/kcp/recovery.hpp"

#include <memory>

namespace millrace::kcp {

/// How much may be on its way, and how fast. Owned by a Conversation.
class Congestion {
public:
    virtual ~Congestion() = default;

    struct Sent {
        std::uint64_t order;
        std::size_t bytes;   ///< with IP and UDP
        Instant now;
        bool more;     ///< waits behind it, and only for send_at()
        bool repeat;   ///< carries nothing but what repeat_due() asked for
    };
    /// Segments that may be in flight, as far as this is concerned.
    virtual std::size_t window() const { return Settings::window_max; }
    /// New data leaves no earlier.
    virtual Instant send_at() const { return {}; }
    /// Nor do resends, which come first.
    virtual Instant resend_at() const { return {}; }
    /// The path is full: further copies would only wait in its queue.
    virtual bool keeps_back() const { return false; }
    /// Whether something has to leave at send_at() though nothing waits: a repeat, which shows what the path
    /// carries.
    virtual bool repeat_due() const { return false; }
    /// The application would send more than it may.
    virtual void seek(bool /*more*/) {}
    /// Bytes a second that it sends at; 0: as fast as they come.
    virtual double rate() const { return 0; }

    virtual void on_sent(const Sent& /*sent*/) {}
    virtual void on_progress(const Progress& /*progress*/, const RoundTrip& /*path*/, Instant /*now*/) {}
    virtual void on_losses(const Losses& /*losses*/, std::size_t /*in_flight*/) {}
};

std::unique_ptr<Congestion> make_congestion(const Settings& settings);

}   // namespace millrace::kcp
