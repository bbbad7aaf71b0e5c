#pragma once

#include "protocol/rtsp/server.hpp"
#include "session/desk.hpp"
#include "session/media_ports.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace millrace::session {

/// What one RTSP conversation has of the node's UDP ports: it listens to the peers of the tracks that were
/// set up, and holds a viewer's place. A peer is the host that speaks to us over TCP, at the ports that it
/// named. Owned by the conversation, on its thread.
class RtspDatagrams {
public:
    /// A packet of a track, RTCP or not; called from the executor.
    using Sink = std::function<void(unsigned track, bool control, ByteSpan packet)>;

    RtspDatagrams(Desk& desk, const Connection& connection, Sink sink);
    RtspDatagrams(const RtspDatagrams&) = delete;
    RtspDatagrams& operator=(const RtspDatagrams&) = delete;

    /// Errc::unsupported where this node has no such ports; exists, exhausted.
    Result<rtsp::Server::Granted> grant(const rtsp::Server::PortsWanted& wanted);
    /// A packet of ours, RTCP or not, to the track's peer; false where it found no room now.
    bool send(unsigned track, bool control, ByteSpan packet);

    /// A viewer's place: while it lasts, packets go to the tracks' peers.
    /// `starts` tells where each track begins for one who comes now.
    using Starts = std::function<std::vector<rtsp::Server::TrackStart>()>;
    void join(LogView& log, net::DatagramViewer viewer, Starts starts);
    bool has_place() const { return static_cast<bool>(place_); }
    void pause() { place_.pause(); }
    /// Goes on where the stream is now, which is told.
    std::vector<rtsp::Server::TrackStart> play();
    const PeerAddress& host() const { return host_; }
    /// The session ended.
    void end();

private:
    struct Track {
        unsigned track;
        MediaPorts::Peers peers;
        MediaPorts::Lease lease;
    };

    Desk& desk_;
    PeerAddress host_;
    Sink sink_;
    std::vector<Track> tracks_;
    Starts starts_;   // of the place
    net::DatagramFanOut::Place place_;
};

}   // namespace millrace::session
