#include "session/multicast_streams.hpp"

#include "base/log.hpp"
#include "protocol/rtsp/muxer.hpp"
#include "session/media_ports.hpp"
#include "session/rtsp_access.hpp"
#include "session/rtsp_offer.hpp"
#include "session/rtsp_play.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

/// A stream on its way to its group.
struct GroupSending {
    std::uint64_t number = 0;
    std::string stream;
    MulticastPlace place;
};

/// Sends until nobody shares the group any more, or the stream ends; nothing where it cannot begin.
Task<Result<>> send(Desk& desk, MulticastStreams& streams, const GroupSending& sending) {
    Answer<bool> over{desk.executor};
    streams.hold(sending.number, sending.stream, over.reply());
    Result<RtspOffer> offer = co_await offer_stream(desk, {.protocol = rtsp_protocol,
                                                           .stream = sending.stream,
                                                           .peer = sending.place.group.endpoint(),
                                                           .since = {},
                                                           .who = {}});
    if (!offer) {
        co_return std::unexpected(offer.error());
    }
    net::DatagramViewer viewer{.host = sending.place.group.host(),
                               .tracks = {},
                               .seat = nullptr,
                               .ended = [&streams, number = sending.number, stream = sending.stream](
                                            Error /*why*/) { streams.ended(number, stream); }};
    std::vector<RtspChannel> channels;
    for (unsigned i = 0; i < offer->offer.tracks.size(); ++i) {
        const auto channel = static_cast<std::uint8_t>(2 * i);
        const rtsp::Ports ports = sending.place.ports(i);
        channels.push_back({i, channel, offer->offer.formats[i].clock_rate});
        viewer.tracks.push_back({channel, ports.rtp, ports.rtcp});
    }
    Result<hub::Joined> joined = co_await rtsp_join(desk, *offer, sending.place.group.endpoint(), channels);
    if (!joined) {
        co_return std::unexpected(joined.error());
    }
    viewer.seat = std::move(joined->seat);
    const auto place = desk.media_ports->fan_out().join(*joined->log, std::move(viewer));
    offer->place.reset();
    [[maybe_unused]] const Result<bool> stopped = co_await over.within(Instant::never());
    co_return Result<>{};
}

Task<> run(Desk& desk, MulticastStreams& streams, GroupSending sending) {
    const Result<> sent = co_await send(desk, streams, sending);
    if (!sent) {
        log::info(rtsp_protocol, "{} does not go to the group {}: {}", sending.stream,
                  sending.place.group.text(), sent.error().what);
    }
    streams.ended(sending.number, sending.stream);
}

}   // namespace

MulticastLease::~MulticastLease() {
    if (of_ != nullptr) {
        of_->release(std::move(stream_));
    }
}

void MulticastLease::swap(MulticastLease& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(stream_, other.stream_);
    std::swap(place_, other.place_);
}

void MulticastStreams::lease(Desk& desk, std::string stream, Reply<MulticastLease> reply) {
    home_.post([this, &desk, stream = std::move(stream), reply = std::move(reply)]() mutable {
        auto found = sent_.find(stream);
        if (found == sent_.end() && free_group() == streams_max) {
            reply.give(fail(Errc::exhausted, "all groups for multicast are taken; use UDP or TCP"));
            return;
        }
        if (found == sent_.end()) {
            const unsigned group = free_group();
            found = sent_.emplace(stream, Sent{.group = group, .stop = {}}).first;
        }
        Sent& sent = found->second;
        ++sent.players;
        const MulticastPlace place = place_of(sent.group);
        if (sent.sending == 0) {
            sent.sending = ++last_sending_;
            GroupSending sending{sent.sending, stream, place};
            desk.executor.post([this, &desk, sending = std::move(sending)]() mutable {
                desk.executor.tasks().spawn(run(desk, *this, std::move(sending)));
            });
        }
        reply.give(MulticastLease{*this, std::move(stream), place});
    });
}

void MulticastStreams::release(std::string stream) {
    home_.post([this, stream = std::move(stream)] {
        const auto found = sent_.find(stream);
        if (found != sent_.end() && --found->second.players == 0) {
            found->second.stop.give(true);
            sent_.erase(found);
        }
    });
}

void MulticastStreams::hold(std::uint64_t sending, std::string stream, Reply<bool> stop) {
    home_.post([this, sending, stream = std::move(stream), stop = std::move(stop)]() mutable {
        const auto found = sent_.find(stream);
        if (found == sent_.end() || found->second.sending != sending) {
            stop.give(true);
        } else {
            found->second.stop = std::move(stop);
        }
    });
}

void MulticastStreams::ended(std::uint64_t sending, std::string stream) {
    home_.post([this, sending, stream = std::move(stream)] {
        const auto found = sent_.find(stream);
        if (found != sent_.end() && found->second.sending == sending) {
            found->second.sending = 0;
            found->second.stop.give(true);
        }
    });
}

/// The first that is free; streams_max: none is.
unsigned MulticastStreams::free_group() const {
    unsigned group = 0;
    const auto taken = [&](const auto& one) { return one.second.group == group; };
    while (group < streams_max && std::ranges::any_of(sent_, taken)) {
        ++group;
    }
    return first_.group.ip().back() + group > 0xFF ? unsigned{streams_max} : group;
}

MulticastPlace MulticastStreams::place_of(unsigned group) const {
    PeerAddress::Ip ip = first_.group.ip();
    ip.back() = static_cast<std::uint8_t>(ip.back() + group);
    return {PeerAddress{ip, first_.group.port()}, first_.hops};
}

}   // namespace millrace::session
