#include "base/check.hpp"
#include "protocol/link/log_receiver.hpp"
#include "protocol/link/log_sender.hpp"

#include <cstdint>

// What is said where an edge's archive goes to a server. The first byte: 1 = the edge listens, which has
// offered something, else the server, which wants every other fragment; the next the size of the pieces. A
// message that was taken must survive being written and read again.

namespace {

using namespace millrace;

void survives(ByteSpan bytes) {
    link::LogReader reader;
    (void)reader.read(bytes, [](const link::LogMessage& message) {
        std::vector<std::byte> again;
        if (link::write(again, message)) {
            const auto read = link::read_log(ByteSpan{again}.subspan(4));
            check(read && *read && (*read)->index() == message.index(), "written and read it is the same");
        }
        return Result<>{};
    });
}

template <class Machine, class Look>
void feed(Machine& machine, ByteSpan bytes, std::size_t piece, Look look) {
    Result<> result;
    while (result && !bytes.empty()) {
        const ByteSpan part = bytes.first(std::min(bytes.size(), piece));
        bytes = bytes.subspan(part.size());
        result = machine.receive(part, Instant{});
        while (const auto event = machine.next_event()) {
            look(*event);
        }
        machine.next_output();
    }
}

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    const std::size_t piece = 1U + 16U * data[1];
    survives(bytes);
    if ((data[0] & 1U) != 0) {
        link::LogSender sender;
        const link::LogFile file{
            .id = 1, .run = "r", .codecs = "c", .cause = {}, .init = Bytes::copy("init")};
        for (std::uint64_t place = 0; place < 3; ++place) {
            check(sender
                      .offer(file, {.file = 1, .place = place, .size = 4},
                             {.records = Bytes::copy("abcd"), .lean = Bytes::copy("a")})
                      .has_value(),
                  "it fits");
        }
        sender.allow(SIZE_MAX);
        feed(sender, bytes, piece, [](const auto&) {});
        return 0;
    }
    link::LogReceiver receiver;
    feed(receiver, bytes, piece, [&](const link::LogReceiver::Event& event) {
        if (const auto* const offered = std::get_if<link::LogReceiver::Offered>(&event)) {
            const std::uint32_t serial = offered->offer.serial;
            receiver.answer(serial, serial % 3 == 0   ? link::LogVerdict::have
                                    : serial % 3 == 1 ? link::LogVerdict::want
                                                      : link::LogVerdict::lean);
        } else if (const auto* const arrived = std::get_if<link::LogReceiver::Arrived>(&event)) {
            const link::LogOffer& offer = arrived->offer;
            check(arrived->records.size() == (arrived->lean ? offer.lean_size : offer.fragment.size),
                  "it is whole");
            receiver.answer(offer.serial, arrived->lean ? link::LogVerdict::want : link::LogVerdict::have);
        }
    });
    return 0;
}
