#include "protocol/rtmp/raw_client.hpp"
#include "protocol/rtmp/server_back_channel.hpp"

#include <cstdint>

// The first byte says how far a good client comes before the bytes are given: nothing at all, the handshake,
// a created stream, publishing, playing, or a player's back channel. The next is the size of the pieces.

namespace {

using namespace millrace;

enum Mode : std::uint8_t {
    from_the_start,
    after_handshake,
    after_create,
    publishing,
    playing,
    listening,
    modes
};

void answer(rtmp::Server& server, std::uint8_t choice) {
    while (auto event = server.next_event()) {
        const bool publish = std::holds_alternative<rtmp::Server::PublishRequested>(*event);
        const bool play = std::holds_alternative<rtmp::Server::PlayRequested>(*event);
        if (!publish && !play) {
            continue;
        }
        switch (choice % 4) {
            case 0: server.refuse(rtmp::Server::Refusal::unsupported, "no"); break;
            case 1: break;   // decided never
            default: publish ? server.accept_publish() : server.accept_play();
        }
    }
}

void prepare(rtmp::RawClient& client, Mode mode) {
    switch (mode) {
        case after_handshake: client.shake_hands(); break;
        case after_create: client.reach_stream(); break;
        case publishing: client.reach_publishing(); break;
        case playing:
        case listening: client.reach_playing(); break;
        default: break;
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    rtmp::RawClient client;
    const Mode mode{static_cast<std::uint8_t>(data[0] % modes)};
    prepare(client, mode);
    std::unique_ptr<BackChannel> channel;
    if (mode == listening) {
        channel = rtmp::into_back_channel(std::move(client.server), [](bool) {});
    }
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    Result<> result;
    while (result && !bytes.empty()) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + 16U * data[1]));
        bytes = bytes.subspan(part.size());
        client.now = client.now + 1ms;
        if (channel) {
            result = channel->receive(part, client.now);
            channel->next_output();
            continue;
        }
        result = client.server.receive(part, client.now);
        answer(client.server, data[1]);
        if (result && client.server.deadline() != Instant::never()) {
            result = client.server.advance(client.now);
        }
        client.server.next_output();
    }
    return 0;
}
