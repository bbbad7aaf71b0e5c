#include "net/datagram_viewing.hpp"

#include "base/check.hpp"
#include "net/datagram_hall.hpp"

#include <algorithm>

namespace millrace::net {

DatagramViewing::DatagramViewing(DatagramHall& hall, DatagramAudience& audience, DatagramViewer viewer)
    : hall_{hall}, audience_{&audience}, viewer_{std::move(viewer)} {
    check(viewer_.seat != nullptr && viewer_.tracks.size() <= DatagramViewer::tracks_max,
          "a viewer has a seat and few tracks");
    viewer_.tracks.shrink_to_fit();
}

std::optional<PeerAddress> DatagramViewing::peer_of(std::uint8_t channel) const {
    const auto track = std::ranges::find(viewer_.tracks, channel & 0xFEU, &DatagramTrack::channel);
    if (track == viewer_.tracks.end()) {
        return std::nullopt;
    }
    const std::uint16_t port = channel % 2 == 0 ? track->rtp_port : track->rtcp_port;
    return PeerAddress{viewer_.host.ip(), port, viewer_.host.zone()};
}

void DatagramViewing::lapse(std::uint64_t at_least) {
    ++counters().skips;
    ++hall_.counters.skips;
    counters().bytes_skipped += at_least - std::min(cursor, at_least);
    cursor = none;
    front = {};
}

void DatagramViewing::leave(Error reason) {
    if (!leaving_) {
        leaving_ = true;
        reason_ = reason;
        hall_.show_out(*this);
    }
}

DatagramViewer DatagramViewing::close() {
    unlink();
    leaving_ = true;
    audience_ = nullptr;
    return std::move(viewer_);
}

}   // namespace millrace::net
