#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::rtp {

/// Payload formats, by the names that SDP has for them.
enum class Encoding : std::uint8_t {
    h264,         ///< RFC 6184
    h265,         ///< RFC 7798
    av1,          ///< "RTP Payload Format For AV1" of the Alliance for Open Media
    jpeg,         ///< RFC 2435
    aac,          ///< mpeg4-generic, RFC 3640
    latm,         ///< MP4A-LATM, RFC 6416
    opus,         ///< RFC 7587
    mpeg_audio,   ///< MPA, RFC 2250 §3.5
    pcma,
    pcmu,
    g722,
    l16,
    mpeg_ts,   ///< MP2T, RFC 2250 §2
    klv,       ///< SMPTE336M, RFC 6597
};

/// What SDP says about the payload of one RTP stream.
struct Format {
    Encoding encoding = Encoding::h264;
    std::uint8_t payload_type = 96;
    std::uint32_t clock_rate = 90'000;
    std::uint16_t channels = 1;
    std::string parameters;    ///< of a=fmtp, without the payload type
    std::uint32_t width = 0;   ///< a=x-dimensions or a=framesize, for JPEG larger than its header can say
    std::uint32_t height = 0;
};

/// By the name in a=rtpmap, in any case.
std::optional<Encoding> encoding_named(std::string_view name);
/// As SDP writes it.
std::string_view name(Encoding encoding);
/// RFC 3551 §6: payload types that need no a=rtpmap.
std::optional<Format> static_format(std::uint8_t payload_type);
media::Kind kind_of(Encoding encoding);

/// The value of a parameter in `a=1; b=2`, its name in any case; empty where it has none, nothing where it is
/// not there.
std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name);
/// The same as a number; `otherwise` where there is none.
std::uint32_t number(std::string_view parameters, std::string_view name, std::uint32_t otherwise);
/// Nothing for an odd number of digits or other characters.
std::optional<std::vector<std::byte>> read_hex(std::string_view text);

/// What the parameters say about the coding. Null where that only comes with the stream (parameter sets in
/// band, the headers of MP3 and JPEG); parameters that cannot be used are an error, and in band may do.
Result<media::ConfigRef> config_from(const Format& format);

/// The format in which a track leaves, with all that SDP says of it. Codecs without one are unsupported.
Result<Format> format_of(const media::TrackConfig& config, std::uint8_t payload_type);

}   // namespace millrace::rtp
