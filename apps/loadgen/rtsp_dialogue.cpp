#include "apps/loadgen/rtsp_dialogue.hpp"

#include "apps/loadgen/socket.hpp"
#include "protocol/rtsp/track_payloads.hpp"

#include <algorithm>

namespace millrace::loadgen {

namespace {

/// Two sockets on neighbouring ports, the first one even.
rtsp::Ports add_pair(std::vector<net::Descriptor>& ears) {
    constexpr int attempts_max = 64;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const std::uint16_t even = local_port(datagram_socket(0).number()) & 0xFFFEU;
        const auto odd = static_cast<std::uint16_t>(even + 1);
        net::Descriptor first = datagram_socket(even);
        net::Descriptor second = datagram_socket(odd);
        if (first && second) {
            ears.push_back(std::move(first));
            ears.push_back(std::move(second));
            return {even, odd};
        }
    }
    throw Hindrance{"no two neighbouring UDP ports are free"};
}

}   // namespace

RtspDialogue::RtspDialogue(const Url& url, Instant now)
    : datagrams_{url.scheme == "rtsp-udp"},
      client_{
          {.url = fmt::format("{}://{}{}", datagrams_ ? "rtsp" : url.scheme, url.server.text(), url.path)},
          random_,
          now} {
}

Result<> RtspDialogue::receive(ByteSpan bytes, Instant now) {
    if (const Result<> received = client_.receive(bytes, now); !received) {
        return received;
    }
    while (std::optional<rtsp::Client::Event> event = client_.next_event()) {
        if (const auto* described = std::get_if<rtsp::Client::Described>(&*event)) {
            if (const Result<> chosen = choose(described->description, now); !chosen) {
                return chosen;
            }
        } else if (const auto* packet = std::get_if<rtsp::Client::Packet>(&*event)) {
            const auto track = std::ranges::find(tracks_, packet->track, &Track::number);
            if (track != tracks_.end() && !packet->control) {
                take(*track, packet->payload, now);
            }
        }
    }
    return {};
}

Result<> RtspDialogue::choose(const sdp::Description& description, Instant now) {
    std::vector<rtsp::Client::Choice> choices;
    for (unsigned i = 0; i < description.media.size(); ++i) {
        const Result<rtp::Format> format = rtsp::payload_of(description.media[i]);
        Result<rtp::Receiver> receiver = format ? rtp::Receiver::make(*format, {})
                                                : Result<rtp::Receiver>{std::unexpected(format.error())};
        if (!receiver) {
            return std::unexpected(receiver.error());
        }
        tracks_.push_back({i, description.media[i].kind == "video", std::move(*receiver)});
        choices.push_back({i, datagrams_ ? std::optional{add_pair(ears_)} : std::nullopt});
    }
    return client_.choose(choices, now);
}

void RtspDialogue::hear(std::size_t ear, ByteSpan packet, Instant now) {
    if (ear % 2 == 0) {
        take(tracks_.at(ear / 2), packet, now);
    }
}

void RtspDialogue::take(Track& track, ByteSpan packet, Instant now) {
    track.receiver.receive(packet, now);
    while (std::optional<media::AccessUnit> unit = track.receiver.next()) {
        frames_.push_back({.video = track.video, .key = track.video && unit->key, .coded = unit->payload});
    }
}

}   // namespace millrace::loadgen
