#pragma once

#include "container/flv_reader.hpp"
#include "sim/world.hpp"

namespace millrace::sim {

/// How a viewer behaves.
struct ViewerPlan {
    std::string key = "cam";               ///< of live/KEY
    Duration after = 0ms;                  ///< waits before it connects
    std::optional<Duration> stay;          ///< leaves so long after it came; nothing: until the end
    std::optional<Duration> stops_after;   ///< reads nothing any more, so long after it came
    Duration stops_for = 24h;              ///< and reads on so much later
    Link link;
};

/// Somebody who plays a stream, and the account of what they got. Made by watch_flv and watch_rtmp.
class Viewer : public Actor {
public:
    enum class State : std::uint8_t { joining, playing, refused, ended, left };

    Viewer(World& world, ViewerPlan plan)
        : world_{world},
          plan_{std::move(plan)},
          who_{world.next_number() << 32U},
          account_{world.ledger(), plan_.key} {}

    State state() const { return state_; }
    bool playing() const { return state_ == State::playing; }
    const Account& account() const { return account_; }
    Account& account() { return account_; }
    /// Why the connection ended, if the server ended it, and when.
    Errc end_reason() const { return end_reason_; }
    Instant ended_at() const { return ended_at_; }
    /// RTMP: the server said that the stream is over.
    bool told_end() const { return told_end_; }
    /// HTTP: the answer's status.
    int status() const { return status_; }

protected:
    /// Waits until the viewer wants to read, then for bytes. Errc::cancelled when it is time to leave.
    Task<Result<std::size_t>> read(Connection& connection, std::span<std::byte> buffer);
    /// All of `bytes`, which outlive the task; Errc::timed_out where the server takes nothing for 15 s.
    Task<Result<>> write(Connection& connection, ByteSpan bytes);
    Task<> wait_as_planned();
    bool time_to_leave() const { return world_.now() >= leave_at_; }
    void come();
    void finish(Error reason);
    void take(const flv::Tag& tag);

    World& world_;
    ViewerPlan plan_;
    std::uint64_t who_;
    Account account_;
    State state_ = State::joining;
    Instant leave_at_ = Instant::never();
    Instant stop_at_ = Instant::never();
    Errc end_reason_ = Errc::closed;
    Instant ended_at_ = Instant::never();
    bool told_end_ = false;
    int status_ = 0;

private:
    flv::TagReader reader_;
};

}   // namespace millrace::sim
