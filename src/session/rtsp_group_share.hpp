#pragma once

#include "base/block_log.hpp"
#include "base/connection.hpp"
#include "base/executor.hpp"
#include "base/timer.hpp"
#include "session/multicast_streams.hpp"

namespace millrace::session {

/// A player's share in the stream's group, whose connection ends with the stream. Owned by its conversation.
class RtspGroupShare final : LogView::Listener, Timer {
public:
    /// `log` ends with the stream; it outlives this.
    RtspGroupShare(MulticastLease its_lease, LogView& log, Executor& executor, Connection& connection)
        : lease{std::move(its_lease)}, log_{log}, executor_{executor}, connection_{connection} {
        log_.listen(*this);
        if (log_.ended()) {
            on_end();
        }
    }
    RtspGroupShare(const RtspGroupShare&) = delete;
    RtspGroupShare& operator=(const RtspGroupShare&) = delete;
    ~RtspGroupShare() override { log_.stop_listening(*this); }

    const MulticastLease lease;

private:
    void on_trim(std::uint64_t /*tail*/) override {}
    void on_advance(bool /*flush*/) override {}
    void on_end() override { executor_.timers().arm(*this, executor_.now()); }
    void on_time() override { connection_.close(); }

    LogView& log_;
    Executor& executor_;
    Connection& connection_;
};

}   // namespace millrace::session
