#include "protocol/rtsp/track_payloads.hpp"

#include "base/web.hpp"
#include "protocol/rtp/klv.hpp"
#include "protocol/rtp/packet.hpp"
#include "protocol/rtsp/stream_address.hpp"

#include <fmt/format.h>

namespace millrace::rtsp {

namespace {

constexpr std::uint8_t first_dynamic_payload = 96;

std::uint32_t clock_otherwise(rtp::Encoding encoding) {
    switch (encoding) {
        case rtp::Encoding::opus: return 48'000;
        case rtp::Encoding::pcma:
        case rtp::Encoding::pcmu:
        case rtp::Encoding::g722: return 8'000;
        case rtp::Encoding::aac:
        case rtp::Encoding::latm: return 0;
        default: return 90'000;
    }
}

/// A media line whose payload has no a=rtpmap and no fixed meaning: cameras that leave it out send H.264.
std::optional<rtp::Encoding> guessed(const sdp::Media& media, const sdp::Format& format) {
    const bool h264 = rtp::parameter(format.parameters, "sprop-parameter-sets").has_value() ||
                      rtp::parameter(format.parameters, "packetization-mode").has_value();
    const bool h265 = rtp::parameter(format.parameters, "sprop-vps").has_value();
    const bool aac = rtp::parameter(format.parameters, "config").has_value() &&
                     rtp::parameter(format.parameters, "mode").has_value();
    return h265   ? std::optional{rtp::Encoding::h265}
           : h264 ? std::optional{rtp::Encoding::h264}
           : aac  ? std::optional{rtp::Encoding::aac}
           : media.kind == "video" && format.payload_type >= first_dynamic_payload
               ? std::optional{rtp::Encoding::h264}
               : std::nullopt;
}

std::optional<rtp::Format> usable(const sdp::Media& media, const sdp::Format& said) {
    rtp::Format format{.payload_type = said.payload_type};
    const std::optional<rtp::Format> fixed = rtp::static_format(said.payload_type);
    if (said.encoding.empty() && fixed) {
        format = *fixed;
    } else {
        const std::optional<rtp::Encoding> encoding =
            said.encoding.empty() ? guessed(media, said) : rtp::encoding_named(said.encoding);
        if (!encoding) {
            return std::nullopt;
        }
        format.encoding = *encoding;
        format.clock_rate = said.clock_rate != 0 ? said.clock_rate : clock_otherwise(*encoding);
        format.channels = said.channels;
    }
    format.parameters = said.parameters;
    format.width = media.width;
    format.height = media.height;
    return format.clock_rate != 0 ? std::optional{format} : std::nullopt;
}

}   // namespace

Result<rtp::Format> payload_of(const sdp::Media& media) {
    if (media.back_channel) {
        return fail(Errc::unsupported, "a way back to the camera's loudspeaker");
    }
    const bool known_profile = web::same_name(media.protocol, "RTP/AVP") ||
                               web::same_name(media.protocol, "RTP/AVPF") ||
                               web::same_name(media.protocol, "RTP/AVP/TCP") || media.protocol.empty();
    if (!known_profile) {
        return fail(Errc::unsupported, "another profile than RTP/AVP");
    }
    for (const sdp::Format& format : media.formats) {
        if (const std::optional<rtp::Format> found = usable(media, format)) {
            return *found;
        }
    }
    return fail(Errc::unsupported, "a payload format that is not read here");
}

Result<rtp::Format> format_of(const media::Track& track) {
    const std::uint8_t payload_type = payload_type_of(track.id);
    return track.kind == media::Kind::data ? rtp::klv_format(payload_type)
                                           : rtp::format_of(*track.config, payload_type);
}

Offer offer_of(std::span<const media::Track> tracks, std::string_view title) {
    Offer offer;
    offer.description.title = title;
    offer.description.control = "*";
    offer.description.range = "npt=now-";
    for (const media::Track& track : tracks) {
        if (track.config == nullptr || offer.formats.size() == sdp::media_max) {
            continue;
        }
        const Result<rtp::Format> format = format_of(track);
        if (!format) {
            continue;
        }
        sdp::Media media;
        media.kind = track.kind == media::Kind::video   ? "video"
                     : track.kind == media::Kind::audio ? "audio"
                                                        : "application";
        media.protocol = "RTP/AVP";
        media.control = fmt::format("{}{}", track_control, offer.formats.size());
        media.capture_time_id = rtp::own_capture_time_id;
        media.formats.push_back({.payload_type = format->payload_type,
                                 .encoding = std::string{rtp::name(format->encoding)},
                                 .clock_rate = format->clock_rate,
                                 .channels = format->channels,
                                 .parameters = format->parameters});
        offer.description.media.push_back(std::move(media));
        offer.formats.push_back(*format);
        offer.tracks.push_back(track.id);
    }
    return offer;
}

}   // namespace millrace::rtsp
