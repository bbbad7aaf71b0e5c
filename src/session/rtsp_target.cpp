#include "session/rtsp_target.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view sign = "://";

/// RFC 3986 §3.2.1, as parse_url reads it: the user ends at the last '@' of the authority.
std::string without_user(std::string_view text) {
    const std::size_t begin = text.find(sign) + sign.size();
    const std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
    const std::size_t at = text.substr(begin, end - begin).rfind('@');
    std::string kept{text.substr(0, begin)};
    kept += text.substr(at == std::string_view::npos ? begin : begin + at + 1);
    return kept;
}

}   // namespace

Result<RtspTarget> parse_rtsp_target(std::string_view text) {
    Result<Url> url = parse_url(text);
    if (!url) {
        return std::unexpected(url.error());
    }
    if (url->scheme != "rtsp" && url->scheme != "rtsps") {
        return fail(Errc::malformed, "the address of a camera begins with rtsp:// or rtsps://");
    }
    return RtspTarget{std::move(*url), without_user(text)};
}

Result<RtspTarget> resolve_rtsp_target(const RtspTarget& from, std::string_view location) {
    constexpr Error nowhere{Errc::refused, "the camera sends us elsewhere, where we do not go"};
    Result<Url> url = resolve_url(from.url, location);
    if (!url || (url->scheme != "rtsp" && url->scheme != "rtsps")) {
        return std::unexpected(nowhere);
    }
    const bool whole = location.substr(0, location.find_first_of("/?#")).ends_with(':');
    std::string text = whole ? without_user(location) : url->scheme + "://" + url->authority() + url->target;
    return RtspTarget{std::move(*url), std::move(text)};
}

}   // namespace millrace::session
