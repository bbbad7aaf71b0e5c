#include "protocol/media_link/link.hpp"

#include <cstdint>

// The first byte says which end listens and whether it was started; the next the size of the pieces. A kept
// message must survive being written and read again.

namespace {

using namespace millrace;

void look(media_link::Link& link) {
    while (auto event = link.next_event()) {
        std::vector<std::byte> again;
        if (media_link::write(again, *event)) {
            const Result<media_link::Message> read = media_link::read(ByteSpan{again}.subspan(4));
            if (!read || read->index() != event->index()) {
                __builtin_trap();
            }
        }
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const bool server = (data[0] & 1U) != 0;
    media_link::Link link{server ? media_link::Link::Side::server : media_link::Link::Side::child, {}};
    if (server && (data[0] & 2U) != 0 && !link.send(media_link::Start{"test:"})) {
        __builtin_trap();
    }
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    Result<> result;
    for (Instant now; result && !bytes.empty(); now = now + 1s) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + 16U * data[1]));
        bytes = bytes.subspan(part.size());
        result = link.receive(part, now);
        look(link);
        link.next_output();
        if (result && link.deadline() <= now) {
            result = link.advance(now);
        }
    }
    return 0;
}
