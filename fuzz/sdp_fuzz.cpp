#include "base/check.hpp"
#include "protocol/rtp/depacketiser.hpp"
#include "protocol/rtsp/digest_access.hpp"
#include "protocol/rtsp/track_payloads.hpp"

#include <cstdint>

using namespace millrace;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(std::as_bytes(std::span{data, size}));
    // Headers are the same kind of text, and as little trusted.
    rtsp::read_challenge(text);
    rtsp::read_credentials(text);
    const Result<sdp::Description> description = sdp::read(text);
    if (!description) {
        return 0;
    }
    check(description->media.size() <= sdp::media_max, "no more media than are read");
    for (const sdp::Media& media : description->media) {
        check(!media.formats.empty(), "a media line has a payload");
        if (const Result<rtp::Format> format = rtsp::payload_of(media)) {
            static_cast<void>(rtp::config_from(*format));
            static_cast<void>(rtp::depacketiser_of(*format));
        }
        sdp::resolve_control("rtsp://h/p", media.control);
    }
    const Result<sdp::Description> again = sdp::read(sdp::write(*description));
    check(!again || again->media.size() <= description->media.size(),
          "what we write has no more than we read");
    return 0;
}
