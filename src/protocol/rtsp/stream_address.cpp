#include "protocol/rtsp/stream_address.hpp"

#include "base/web.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::rtsp {

namespace {

/// The number behind a last "/trackID=", taken off the URL. Players put it behind the query too.
std::optional<unsigned> take_track(std::string_view& url) {
    const std::size_t slash = url.rfind('/');
    if (slash == std::string_view::npos || !url.substr(slash + 1).starts_with(track_control)) {
        return std::nullopt;
    }
    const std::string_view text = url.substr(slash + 1 + track_control.size());
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    url = url.substr(0, slash);
    return number;
}

void drop_slashes(std::string_view& text) {
    while (text.ends_with('/')) {
        text.remove_suffix(1);
    }
}

}   // namespace

std::optional<StreamAddress> read_address(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string_view::npos ||
        !(web::same_name(url.substr(0, scheme), "rtsp") || web::same_name(url.substr(0, scheme), "rtsps"))) {
        return std::nullopt;
    }
    StreamAddress address;
    address.track = take_track(url);
    drop_slashes(url);
    address.base = url;
    std::string_view rest = url.substr(std::min(url.size(), scheme + 3));
    rest.remove_prefix(std::min(rest.find_first_of("/?"), rest.size()));
    const std::size_t question = std::min(rest.find('?'), rest.size());
    std::string_view path = rest.substr(0, question);
    address.query = rest.substr(std::min(question + 1, rest.size()));
    while (path.starts_with('/')) {
        path.remove_prefix(1);
    }
    drop_slashes(path);
    std::optional<std::string> decoded = web::percent_decode(path);
    if (!decoded) {
        return std::nullopt;
    }
    address.path = std::move(*decoded);
    return address;
}

}   // namespace millrace::rtsp
