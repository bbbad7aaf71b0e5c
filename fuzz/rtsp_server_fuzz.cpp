#include "protocol/rtsp/raw_client_for_tests.hpp"

#include <algorithm>
#include <cstdint>

// The first byte says how far a good client came before: nothing, described, playing, recording, playing what
// was recorded. The second
// is the size of the pieces, and what the owner answers.

namespace {

using namespace millrace;

void decide(rtsp::Server& server, const rtsp::Server::Event& event, unsigned choice) {
    if (choice % 4 == 0) {
        server.refuse({.status = rtsp::unauthorized, .reason = {}, .challenges = {"Basic realm=\"x\""}});
    } else if (choice % 4 == 1) {
        return;   // never
    } else if (std::holds_alternative<rtsp::Server::PlayRequested>(event)) {
        choice % 4 == 2 ? server.offer(rtsp::RawClient::two_tracks())
                        : server.offer_recording(rtsp::RawClient::two_tracks());
    } else if (std::holds_alternative<rtsp::Server::PublishRequested>(event)) {
        server.accept_publish();
    } else if (std::holds_alternative<rtsp::Server::PortsWanted>(event)) {
        server.grant_ports({.server = {6'000, 6'001}, .ssrc = 1});
    } else if (const auto* play = std::get_if<rtsp::Server::PlayStarted>(&event)) {
        const rtsp::Server::Played played{.range = play->range.value_or(rtsp::Range{}),
                                          .scale = play->scale.value_or(rtsp::real_time)};
        server.start_play({}, play->range ? std::optional{played} : std::nullopt);
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    rtsp::RawClient client;
    switch (data[0] % 5) {
        case 1: client.describe(); break;
        case 2: client.reach_playing(); break;
        case 3: client.reach_recording(); break;
        case 4: client.reach_playing_recording(); break;
        default: break;
    }
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    Result<> result;
    while (result && !bytes.empty()) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + data[1]));
        bytes = bytes.subspan(part.size());
        client.now = client.now + 1ms;
        result = client.server.receive(part, client.now);
        while (const std::optional<rtsp::Server::Event> event = client.server.next_event()) {
            decide(client.server, *event, data[1]);
        }
        if (result) {
            result = client.server.advance(client.now);
        }
        client.server.next_output();
    }
    return 0;
}
