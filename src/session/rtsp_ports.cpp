#include "session/rtsp_ports.hpp"

#include <algorithm>
#include <array>

namespace millrace::session {

namespace {

constexpr Duration open_deadline = 5s;

/// RFC 3550 §5.1: version 2 and nothing else; servers take no media from players.
constexpr std::array<std::byte, 12> empty_rtp{std::byte{0x80}};
/// RFC 3550 §6.4.2: a receiver report of one who has received nothing.
constexpr std::array empty_report{std::byte{0x80}, std::byte{0xC9}, std::byte{0}, std::byte{1},
                                  std::byte{0},    std::byte{0},    std::byte{0}, std::byte{0}};

}   // namespace

Task<Result<rtsp::Ports>> RtspPorts::open(Executor& executor, Connector& connector, unsigned media) {
    Answer<DatagramLink> answer{executor};
    const Instant deadline = executor.now() + open_deadline;
    connector.open_datagrams(executor,
                             {.to = server_.endpoint(), .local = {"", 0}, .pair = true, .deadline = deadline},
                             answer.reply());
    Result<DatagramLink> link = co_await answer.within(deadline);
    if (!link) {
        co_return std::unexpected(link.error());
    }
    const rtsp::Ports ports{link->first->local().port, link->second->local().port};
    pairs_.push_back({.media = media, .link = std::move(*link), .rtp = {}, .rtcp = {}});
    co_return ports;
}

void RtspPorts::send(Datagrams& socket, const PeerAddress& to, ByteSpan packet) {
    const std::array slices{packet};
    std::array batch{Datagram{.peer = to, .slices = slices}};
    // Lost where the socket is full, as anywhere on the way.
    [[maybe_unused]] const Result<std::size_t> sent = socket.send(batch);
}

void RtspPorts::reach(const rtsp::SetupTrack& setup) {
    const auto pair = std::ranges::find(pairs_, setup.track, &Pair::media);
    if (pair == pairs_.end() || pair->reached || !setup.transport.server_ports) {
        return;
    }
    pair->reached = true;
    const rtsp::Ports ports = *setup.transport.server_ports;
    if (ports.rtp == 0) {
        return;
    }
    pair->rtp = PeerAddress{server_.ip(), ports.rtp, server_.zone()};
    pair->rtcp = PeerAddress{server_.ip(), ports.rtcp, server_.zone()};
    send(*pair->link.first, pair->rtp, empty_rtp);
    send(*pair->link.second, pair->rtcp, empty_report);
}

void RtspPorts::send_control(unsigned media, ByteSpan packet) {
    const auto pair = std::ranges::find(pairs_, media, &Pair::media);
    if (pair != pairs_.end() && !pair->rtcp.is_nobody()) {
        send(*pair->link.second, pair->rtcp, packet);
    }
}

void RtspPorts::add_to(ReadableSet& set) {
    for (Pair& pair : pairs_) {
        set.add(*pair.link.first);
        set.add(*pair.link.second);
    }
}

void RtspPorts::drain(ReadableSet& set, std::size_t from, std::span<std::byte> buffer, const Take& take) {
    for (Pair& pair : pairs_) {
        if (set.take(from++)) {
            drain_one(pair, false, buffer, take);
        }
        if (set.take(from++)) {
            drain_one(pair, true, buffer, take);
        }
    }
}

void RtspPorts::drain_one(Pair& pair, bool control, std::span<std::byte> buffer, const Take& take) {
    constexpr std::size_t batch_size = 16;
    std::array<Received, batch_size> batch{};
    const std::size_t room = std::min(batch_size, buffer.size() / datagram_max);
    Datagrams& socket = control ? *pair.link.second : *pair.link.first;
    for (int round = 0; round < rounds_max; ++round) {
        for (std::size_t i = 0; i < room; ++i) {
            batch[i] = {.buffer = buffer.subspan(i * datagram_max, datagram_max), .from = {}};
        }
        const Result<std::size_t> count = socket.receive(std::span{batch}.first(room));
        for (const Received& received : std::span{batch}.first(count.value_or(0))) {
            if (received.from.host() != server_) {
                ++counters_.strangers;
            } else if (received.truncated) {
                ++counters_.truncated;
            } else {
                // A server that did not say its ports is answered where its reports come from.
                pair.rtcp = control && pair.rtcp.is_nobody() ? received.from : pair.rtcp;
                take(pair.media, control, received.bytes());
            }
        }
        if (count.value_or(0) < room) {
            return;
        }
    }
}

}   // namespace millrace::session
