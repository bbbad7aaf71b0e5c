#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Session descriptions, RFC 8866, as RTSP uses them (RFC 2326 appendix C). Pure functions.
namespace millrace::sdp {

inline constexpr std::size_t text_size_max = std::size_t{64} << 10U;
inline constexpr std::size_t media_max = 16;
inline constexpr std::size_t formats_per_media_max = 32;
/// Of all parameters (a=fmtp) of one format.
inline constexpr std::size_t parameters_size_max = std::size_t{16} << 10U;
/// Words about what was left out.
inline constexpr std::size_t remarks_max = 16;

/// A payload type of a media line, with its a=rtpmap and a=fmtp.
struct Format {
    std::uint8_t payload_type = 0;
    std::string encoding;           ///< as it stands there; empty without a=rtpmap
    std::uint32_t clock_rate = 0;   ///< 0 = not said
    std::uint16_t channels = 1;
    std::string parameters;   ///< those of several a=fmtp lines joined by ';'
};

/// A media line and what follows it.
struct Media {
    std::string kind;   ///< "video", "audio", "application"
    std::uint16_t port = 0;
    std::string protocol;          ///< "RTP/AVP"
    std::vector<Format> formats;   ///< never empty
    std::string control;           ///< as it stands there; empty = not said
    std::string connection;        ///< address of its c= line
    std::uint32_t width = 0;       ///< a=x-dimensions, a=framesize
    std::uint32_t height = 0;
    std::uint8_t capture_time_id = 0;   ///< a=extmap of abs-capture-time; 0 = none
    bool picture_loss = false;          ///< a=rtcp-fb: it heeds PLI (RFC 4585)
    bool full_intra = false;            ///< it heeds FIR (RFC 5104)
    bool back_channel = false;          ///< a=sendonly in what a camera offers: sound that it would play
};

/// A whole description.
struct Description {
    std::string title;
    std::string control;
    std::string range;
    std::string connection;
    std::vector<Media> media;
    std::vector<std::string> remarks;   ///< what could not be used, in words, control characters escaped
};

/// Line ends of any kind, missing lines, junk between them and lines in a wrong order are all taken. Beyond
/// text_size_max it is exhausted, and without any media line malformed.
Result<Description> read(std::string_view text);

/// Our own words; text fields must be free of control characters, which are left out.
std::string write(const Description& description);

/// RFC 2326 §C.1.1, as cameras and players do it: an absolute control is itself; "*" and none are the base;
/// any other stands behind the base and one slash, whatever the base has of queries.
std::string resolve_control(std::string_view base, std::string_view control);

}   // namespace millrace::sdp
