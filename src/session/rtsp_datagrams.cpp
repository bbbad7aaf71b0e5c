#include "session/rtsp_datagrams.hpp"

#include <algorithm>

namespace millrace::session {

RtspDatagrams::RtspDatagrams(Desk& desk, const Connection& connection, Sink sink)
    : desk_{desk},
      host_{PeerAddress::parse(connection.peer()).value_or(PeerAddress{}).host()},
      sink_{std::move(sink)} {
}

Result<rtsp::Server::Granted> RtspDatagrams::grant(const rtsp::Server::PortsWanted& wanted) {
    if (desk_.media_ports == nullptr || host_.is_nobody()) {
        return fail(Errc::unsupported, "this node sends and hears RTP over TCP alone");
    }
    const MediaPorts::Peers peers{{host_.ip(), wanted.client.rtp, host_.zone()},
                                  {host_.ip(), wanted.client.rtcp, host_.zone()}};
    // Set up once more, it has other ports now, or the same ones again.
    std::erase_if(tracks_, [&](const Track& one) { return one.track == wanted.track; });
    Result<MediaPorts::Lease> lease = desk_.media_ports->enlist(
        peers,
        [this, track = wanted.track](bool control, ByteSpan packet) { sink_(track, control, packet); });
    if (!lease) {
        return std::unexpected(lease.error());
    }
    tracks_.push_back({wanted.track, peers, std::move(*lease)});
    return rtsp::Server::Granted{.server = desk_.media_ports->server_ports()};
}

bool RtspDatagrams::send(unsigned track, bool control, ByteSpan packet) {
    const auto to = std::ranges::find(tracks_, track, &Track::track);
    return to == tracks_.end() ||
           desk_.media_ports->send(control, control ? to->peers.rtcp : to->peers.rtp, packet);
}

void RtspDatagrams::join(LogView& log, net::DatagramViewer viewer, Starts starts) {
    starts_ = std::move(starts);
    place_ = desk_.media_ports->fan_out().join(log, std::move(viewer));
}

std::vector<rtsp::Server::TrackStart> RtspDatagrams::play() {
    place_.play();
    return starts_();
}

void RtspDatagrams::end() {
    place_.leave({Errc::closed, "the player stopped"});
    tracks_.clear();
}

}   // namespace millrace::session
