#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::rtsp {

/// How we name the tracks that we offer: `…/trackID=0`.
inline constexpr std::string_view track_control = "trackID=";

/// What a request's URL says: rtsp://host[:port]/path[?query][/trackID=N].
struct StreamAddress {
    std::string base;   ///< the URL as it came, without the track and without a last slash
    std::string
        path;   ///< percent-decoded once, without slashes around it; names are checked by who opens it
    std::string query;   ///< raw
    std::optional<unsigned> track;
};

/// Nothing for "*", another scheme than rtsp and rtsps, or escapes that are broken.
std::optional<StreamAddress> read_address(std::string_view url);

}   // namespace millrace::rtsp
