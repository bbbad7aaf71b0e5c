#include "session/media_ports.hpp"

#include "base/check.hpp"
#include "base/ip_prefix.hpp"

#include <algorithm>
#include <array>

namespace millrace::session {

namespace {

/// What a peer is known by. The zone of a link's address is not said over TCP.
PeerAddress without_zone(const PeerAddress& peer) {
    return {peer.ip(), peer.port()};
}

bool is_of_a_link(const PeerAddress& peer) {
    static const IpPrefix link = IpPrefix::parse("fe80::/10").value();   // RFC 4291 §2.5.6
    return link.contains(peer);
}

}   // namespace

MediaPorts::MediaPorts(Executor& executor, Sockets sockets)
    : executor_{executor},
      sockets_{std::move(sockets)},
      ports_{sockets_.rtp->local().port, sockets_.rtcp->local().port},
      fan_out_{executor, *sockets_.rtp, *sockets_.rtcp},
      buffer_(batch_size * packet_max),
      received_(batch_size) {
    for (std::size_t i = 0; i < batch_size; ++i) {
        received_[i].buffer = std::span{buffer_}.subspan(i * packet_max, packet_max);
    }
}

MediaPorts::~MediaPorts() {
    check(sinks_.empty(), "a lease does not outlive its ports");
}

MediaPorts::Lease::~Lease() {
    if (of_ != nullptr) {
        of_->end(*this);
    }
}

void MediaPorts::introduce(std::span<MediaPorts* const> all) {
    for (MediaPorts* const one : all) {
        if (one != this) {
            others_.push_back(one);
        }
    }
}

void MediaPorts::listen() {
    sockets_.rtp->wait_readable(&rtp_ear_);
    sockets_.rtcp->wait_readable(&rtcp_ear_);
}

Result<MediaPorts::Lease> MediaPorts::enlist(const Peers& peers, Sink sink) {
    if (is_of_a_link(peers.rtp)) {
        return fail(Errc::unsupported, "UDP to an address of the link alone; use TCP");
    }
    const Peers known{without_zone(peers.rtp), without_zone(peers.rtcp)};
    if (owners_.contains({known.rtp, false}) || owners_.contains({known.rtcp, true})) {
        return fail(Errc::exists, "another session has these ports of that host");
    }
    if (owners_.size() / 2 >= peers_max) {
        return fail(Errc::exhausted, "too many sessions over UDP");
    }
    const Owner owner{this, ++last_id_};
    sinks_.emplace(owner.id, std::make_unique<Sink>(std::move(sink)));
    know(known, owner);
    for (MediaPorts* const other : others_) {
        other->executor_.post([other, known, owner] { other->know(known, owner); });
    }
    return Lease{*this, known, owner.id};
}

void MediaPorts::end(const Lease& lease) {
    const Owner owner{this, lease.id_};
    const auto sink = sinks_.find(lease.id_);
    if (lease.id_ == called_) {
        retired_ = std::move(sink->second);
    }
    sinks_.erase(sink);
    forget(lease.peers_, owner);
    for (MediaPorts* const other : others_) {
        other->executor_.post([other, peers = lease.peers_, owner] { other->forget(peers, owner); });
    }
}

/// Two workers may enlist the same peers in one moment: each keeps to whom it heard of first.
void MediaPorts::know(const Peers& peers, const Owner& owner) {
    owners_.try_emplace({peers.rtp, false}, owner);
    owners_.try_emplace({peers.rtcp, true}, owner);
}

void MediaPorts::forget(const Peers& peers, const Owner& owner) {
    for (const Key& key : std::array{Key{peers.rtp, false}, Key{peers.rtcp, true}}) {
        if (const auto found = owners_.find(key); found != owners_.end() && found->second == owner) {
            owners_.erase(found);
        }
    }
}

bool MediaPorts::send(bool control, const PeerAddress& to, ByteSpan packet) {
    const std::array slices{packet};
    std::array batch{Datagram{.peer = to, .slices = slices}};
    const Result<std::size_t> taken = socket(control).send(batch);
    counters_.unsent += taken ? 0 : 1;
    return taken.has_value();
}

void MediaPorts::Ear::on_ready(Result<> ready) {
    if (ready) {
        of_.hear(control_);
        of_.socket(control_).wait_readable(this);
    }
}

void MediaPorts::hear(bool control) {
    for (int batch = 0; batch < batches_per_wake; ++batch) {
        const Result<std::size_t> count = socket(control).receive(received_);
        if (!count) {
            break;
        }
        counters_.packets += *count;
        for (const Received& one : std::span{received_}.first(*count)) {
            take(control, one);
        }
        if (*count < received_.size()) {
            break;
        }
    }
    post_parcels();
}

void MediaPorts::take(bool control, const Received& received) {
    const auto owner = owners_.find({without_zone(received.from), control});
    if (owner == owners_.end()) {
        ++counters_.strangers;
    } else if (received.truncated) {
        ++counters_.lost;
    } else if (owner->second.ports == this) {
        hand_over(owner->second.id, control, received.bytes());
    } else {
        pass_on(*owner->second.ports, {owner->second.id, received.size, control}, received.bytes());
    }
}

void MediaPorts::pass_on(MediaPorts& to, const Parcel::Packet& packet, ByteSpan bytes) {
    if (to.passed_here_.load(std::memory_order_relaxed) > passed_on_max) {
        ++counters_.lost;
        return;
    }
    Parcel& parcel = parcels_[&to];
    parcel.packets.push_back(packet);
    parcel.bytes.insert(parcel.bytes.end(), bytes.begin(), bytes.end());
    to.passed_here_.fetch_add(bytes.size(), std::memory_order_relaxed);
    ++counters_.passed_on;
}

void MediaPorts::post_parcels() {
    for (auto& [to, parcel] : parcels_) {
        if (!parcel.packets.empty()) {
            to->executor_.post(
                [to, sent = std::exchange(parcel, {})]() mutable { to->open(std::move(sent)); });
        }
    }
}

void MediaPorts::open(Parcel parcel) {
    passed_here_.fetch_sub(parcel.bytes.size(), std::memory_order_relaxed);
    ByteSpan rest{parcel.bytes};
    for (const Parcel::Packet& packet : parcel.packets) {
        hand_over(packet.id, packet.control, rest.first(packet.size));
        rest = rest.subspan(packet.size);
    }
}

void MediaPorts::hand_over(std::uint64_t id, bool control, ByteSpan packet) {
    if (const auto found = sinks_.find(id); found != sinks_.end()) {
        called_ = id;
        (*found->second)(control, packet);
        called_ = 0;
        retired_.reset();
    }
}

}   // namespace millrace::session
