#include "base/check.hpp"
#include "protocol/link/talk.hpp"

#include <cstdint>

// What is said inside a link, by somebody who was let in or not yet. The first byte: 1 = the caller listens,
// else the host; 2 = media goes the other way; the next the size of the pieces. The host lets in whoever
// greets. A message that was taken must survive being written and read again.

namespace {

using namespace millrace;

void look(link::Talk& talk) {
    while (const auto event = talk.next_event()) {
        if (std::holds_alternative<link::Hello>(*event)) {
            talk.welcome({});
        }
        std::vector<std::byte> again;
        if (link::write(again, *event)) {
            const auto read = link::read(ByteSpan{again}.subspan(4));
            check(read && *read && (*read)->index() == event->index(), "written and read it is the same");
        }
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const link::Hello hello{
        .direction = (data[0] & 2U) != 0 ? link::Direction::play : link::Direction::publish,
        .name = "live/cam"};
    link::Talk talk = (data[0] & 1U) != 0 ? link::Talk{hello, {}} : link::Talk{Instant{}};
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    Result<> result;
    for (Instant now; result && !bytes.empty(); now = now + 10ms) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + 16U * data[1]));
        bytes = bytes.subspan(part.size());
        result = talk.receive(part, now);
        look(talk);
        talk.wish({});
        talk.next_output();
        if (result && talk.deadline() <= now) {
            result = talk.advance(now);
        }
    }
    return 0;
}
