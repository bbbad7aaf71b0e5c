#pragma once

#include "base/block_log.hpp"
#include "base/datagrams.hpp"
#include "base/seat.hpp"
#include "net/fan_out_ring.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace millrace::net {

class DatagramAudience;
class DatagramHall;

/// Where the packets of one track go: those of the even `channel`, and those of the next, RTCP.
struct DatagramTrack {
    std::uint8_t channel = 0;
    std::uint16_t rtp_port = 0;
    std::uint16_t rtcp_port = 0;
};

/// A viewer of a log of interleaved frames who gets them as datagrams. Who it is was proved elsewhere:
/// packets go to `host` at whatever rate the stream has.
struct DatagramViewer {
    static constexpr std::size_t tracks_max = 8;
    PeerAddress host;   ///< its port does not matter
    std::vector<DatagramTrack> tracks;
    std::unique_ptr<Seat> seat;
    /// The stream ended, or the worker stops; told once, later, and never after the place was given up.
    std::move_only_function<void(Error)> ended;
};

/// One viewer: its place in the log, and where its packets go. Nothing waits for it: what its socket does not
/// take stays in the log. Owned by the place that the fan-out gave, whose end takes it out of its audience.
class DatagramViewing final : public Ring {
public:
    static constexpr std::uint64_t none = UINT64_MAX;

    DatagramViewing(DatagramHall& hall, DatagramAudience& audience, DatagramViewer viewer);
    DatagramViewing(const DatagramViewing&) = delete;
    DatagramViewing& operator=(const DatagramViewing&) = delete;

    /// To whom a frame of this channel goes; nothing where the viewer did not set it up.
    std::optional<PeerAddress> peer_of(std::uint8_t channel) const;
    Seat::Counters& counters() const { return viewer_.seat->counters; }

    /// It begins there, with what is said first.
    void enter(const Entrance& entrance) {
        cursor = entrance.offset;
        front = entrance.resume;
        caught_up = false;
    }
    /// It goes on at the newest entrance, past `at_least`; until then it has no place.
    void lapse(std::uint64_t at_least);
    /// What was counted as sent from there was not.
    void step_back(std::uint64_t to) { cursor = std::min(cursor, to); }

    /// Ends it at the next sweep of the door. The first reason stands.
    void leave(Error reason);
    const Error& reason() const { return reason_; }
    /// Null once it left.
    DatagramAudience* audience() const { return audience_; }
    /// Takes out what outlives it there.
    DatagramViewer close();

    std::uint64_t cursor = none;   ///< where it is in the log; none: it waits for an entrance
    Bytes front;                   ///< frames that it is to hear before
    bool caught_up = false;        ///< it was at the log's head since it entered
    bool paused = false;
    std::size_t index = 0;   ///< where the audience keeps it

private:
    DatagramHall& hall_;
    DatagramAudience* audience_;
    DatagramViewer viewer_;
    Error reason_{Errc::closed, "the viewing ended"};
    bool leaving_ = false;
};

}   // namespace millrace::net
