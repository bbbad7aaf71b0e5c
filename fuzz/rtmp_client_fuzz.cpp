#include "base/random.hpp"
#include "protocol/rtmp/client.hpp"

#include <algorithm>
#include <cstdint>

// The first byte says whether the client publishes or plays, with which handshake, and whether that was done
// before the bytes are given. The next is the size of the pieces.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace millrace;
    if (size < 2) {
        return 0;
    }
    const bool publish = (data[0] & 1U) != 0;
    const bool digest = (data[0] & 2U) != 0;
    const bool shaken = (data[0] & 4U) != 0;
    SeededRandom random{5};
    Instant now;
    rtmp::Client client{random,
                        {.role = publish ? rtmp::Client::Role::publish : rtmp::Client::Role::play,
                         .app = "live",
                         .tc_url = "rtmp://host/live",
                         .key = "cam",
                         .handshake = digest ? rtmp::HandshakeKind::digest : rtmp::HandshakeKind::simple},
                        now};
    Result<> result;
    if (shaken) {
        std::vector<std::byte> hello{std::byte{rtmp::version_plain}};
        hello.resize(1 + 2 * rtmp::handshake_packet_size);
        result = client.receive(hello, now);
    }
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    while (result && !bytes.empty()) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + 16U * data[1]));
        bytes = bytes.subspan(part.size());
        now = now + 1ms;
        result = client.receive(part, now);
        while (auto event = client.next_event()) {
            if (std::holds_alternative<rtmp::Client::PublishStarted>(*event)) {
                client.send({rtmp::MediaType::data, 1, Bytes::copy("x")});
            }
            if (std::holds_alternative<rtmp::Client::Ended>(*event)) {
                client.end();
            }
        }
        client.next_output();
    }
    return 0;
}
