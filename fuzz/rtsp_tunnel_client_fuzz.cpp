#include "protocol/rtsp/tunnel_client.hpp"

#include <algorithm>
#include <cstdint>

// The first byte is the size of the pieces of what a server answers to a GET, again and again.

using namespace millrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) {
        return 0;
    }
    SeededRandom random{1};
    rtsp::TunnelClient tunnel{*parse_url("rtsp://u:p@h/live/cam"), random};
    tunnel.get();
    ByteSpan bytes = std::as_bytes(std::span{data, size}).subspan(1);
    while (!bytes.empty()) {
        const ByteSpan part = bytes.first(std::min<std::size_t>(bytes.size(), 1U + data[0]));
        bytes = bytes.subspan(part.size());
        const Result<rtsp::TunnelClient::Heard> heard = tunnel.receive(part);
        if (!heard || *heard == rtsp::TunnelClient::Heard::open) {
            tunnel.post();
            return 0;
        }
        if (*heard == rtsp::TunnelClient::Heard::again) {
            tunnel.get();
        }
    }
    return 0;
}
