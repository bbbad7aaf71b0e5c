#include "protocol/ws/back_channel.hpp"
#include "protocol/ws/conversation.hpp"

#include <cstdlib>

// The first byte of an input says how the rest is cut and who hears it. However it is cut, the same messages
// must come out, every fault must be told by a close frame, and a viewer's back channel must agree with a
// server.
namespace {

using namespace millrace;

struct Outcome {
    std::string events;
    bool going = true;
};

std::string text_of(const ws::Conversation::Event& event) {
    if (const auto* message = std::get_if<ws::Message>(&event)) {
        if (message->payload.size() > ws::Receiver::Limits{}.message_size_max) {
            std::abort();
        }
        return std::to_string(static_cast<int>(message->kind)) + std::string{as_text(message->payload)} +
               '\n';
    }
    return "closed " + std::to_string(static_cast<int>(std::get<ws::Closed>(event).code)) + '\n';
}

Outcome feed(ws::Conversation& end, ByteSpan wire, std::size_t piece) {
    Outcome outcome;
    while (outcome.going && !wire.empty()) {
        const ByteSpan part = wire.first(std::min(piece, wire.size()));
        wire = wire.subspan(part.size());
        outcome.going = end.receive(part, Instant{}).has_value();
        while (auto event = end.next_event()) {
            outcome.events += text_of(*event);
        }
        const std::vector<std::byte> said = end.next_output();
        if (!outcome.going && said.empty()) {
            std::abort();
        }
    }
    return outcome;
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteSpan wire = std::as_bytes(std::span{data, size}.subspan(1));
    const std::size_t piece = data[0] < 2 ? std::max<std::size_t>(size, 1) : data[0] / 2;
    SeededRandom random{1};
    const auto make = [&] {
        return data[0] % 2 == 0 ? ws::Conversation{ws::Receiver::Limits{}}
                                : ws::Conversation{ws::Receiver::Limits{}, random};
    };
    ws::Conversation cut = make();
    ws::Conversation single = make();
    const Outcome in_pieces = feed(cut, wire, piece);
    const Outcome byte_by_byte = feed(single, wire, 1);
    if (in_pieces.events != byte_by_byte.events || in_pieces.going != byte_by_byte.going) {
        std::abort();
    }
    ws::BackChannel viewer;
    const bool heard = viewer.receive(wire, Instant{}).has_value();
    if (data[0] % 2 == 0 && heard != byte_by_byte.going) {
        std::abort();
    }
    return 0;
}
