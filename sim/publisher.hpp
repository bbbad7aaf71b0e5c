#pragma once

#include "protocol/rtmp/client.hpp"
#include "sim/camera.hpp"
#include "sim/world.hpp"

namespace millrace::sim {

/// An RTMP publisher with a camera, on the clients' executor. What it wrote is in the world's ledger under
/// `number()`.
class Publisher final : public Actor {
public:
    /// How it ends after `length`.
    enum class End : std::uint8_t {
        said,     ///< FCUnpublish, deleteStream, and waits for the server to hang up
        closed,   ///< closes the connection
        silent,   ///< keeps it and sends nothing any more, until the server hangs up
    };
    /// Faults planted between ledger and wire, to see that the oracle finds them.
    enum class Fault : std::uint8_t { none, loses, flips_a_bit, repeats, shifts_time, swaps };
    struct Plan {
        CameraPlan camera;
        std::string key = "cam";   ///< the stream is live/KEY
        Duration after = 0ms;      ///< waits before it connects
        Duration length = 5s;
        End end = End::said;
        Link link;
        Fault fault = Fault::none;   ///< of one picture after a second
    };
    /// `done`: it has written all its media, and is not gone yet.
    enum class State : std::uint8_t { joining, live, done, refused, ended };

    Publisher(World& world, Plan plan);

    /// Of its publication; 0 until it is live.
    std::uint32_t number() const { return number_; }
    State state() const { return state_; }
    bool was_live() const { return live_since_ != Instant::never(); }
    Instant live_since() const { return live_since_; }
    Instant ended_at() const { return ended_at_; }
    const std::string& refusal() const { return refusal_; }

private:
    static Task<> run(Publisher& self);
    Task<Result<>> publish(Connection& connection, rtmp::Client& client);
    Task<Result<>> send_media(Connection& connection, rtmp::Client& client);
    void send(rtmp::Client& client, const Shot& shot);
    Task<Result<>> listen_until(Connection& connection, rtmp::Client& client, Instant until);
    Result<> take_events(rtmp::Client& client);

    World& world_;
    Plan plan_;
    std::uint64_t who_;
    std::uint32_t number_ = 0;
    State state_ = State::joining;
    Instant live_since_ = Instant::never();
    Instant ended_at_ = Instant::never();
    std::string refusal_;
    bool fault_done_ = false;
    std::optional<Shot> held_back_;   // of Fault::swaps
};

}   // namespace millrace::sim
