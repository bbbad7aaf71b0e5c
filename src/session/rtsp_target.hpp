#pragma once

#include "base/url.hpp"

#include <string>
#include <string_view>

namespace millrace::session {

/// An rtsp:// or rtsps:// address as somebody wrote it.
struct RtspTarget {
    Url url;            ///< taken apart
    std::string text;   ///< byte for byte, but without user and password: what is asked for

    bool secure() const { return url.scheme == "rtsps"; }
};

/// Errc::malformed in words for whoever wrote it.
Result<RtspTarget> parse_rtsp_target(std::string_view text);

/// Where a server sends us. Errc::refused for anything but rtsp and rtsps. User and password go along to the
/// same server only.
Result<RtspTarget> resolve_rtsp_target(const RtspTarget& from, std::string_view location);

}   // namespace millrace::session
