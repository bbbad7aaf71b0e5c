#include "protocol/rtsp/client.hpp"

#include <algorithm>
#include <cstdint>

// The first byte: 1 = it publishes, 2 = over UDP. The second is the size of the pieces of what a server says.

using namespace millrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    SeededRandom random{1};
    rtsp::ClientOptions options{.url = "rtsp://h/live/cam", .user = "u", .password = "p", .announce = {}};
    if ((data[0] & 1U) != 0) {
        options.announce = *sdp::read("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:trackID=0\n");
    }
    Instant now;
    rtsp::Client client{std::move(options), random, now};
    const std::optional<rtsp::Ports> ports =
        (data[0] & 2U) != 0 ? std::optional{rtsp::Ports{5'000, 5'001}} : std::nullopt;
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(2);
    Result<> result;
    while (result && !bytes.empty()) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + data[1]));
        bytes = bytes.subspan(part.size());
        now = now + 100ms;
        result = client.receive(part, now);
        while (const std::optional<rtsp::Client::Event> event = client.next_event()) {
            if (result && std::holds_alternative<rtsp::Client::Described>(*event)) {
                const std::vector<rtsp::Client::Choice> all{{.track = 0, .ports = ports},
                                                            {.track = 1, .ports = ports}};
                result = client.choose(all, now);
            }
        }
        if (result) {
            result = client.advance(now);
        }
        client.next_output();
    }
    client.tear_down();
    return 0;
}
