#include "protocol/rtsp/stream_address.hpp"

#include "base/web.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace millrace::rtsp {

namespace {

/// The number behind a last "/trackID=" of a path or query, taken off it.
std::optional<unsigned> take_track(std::string_view& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos || !path.substr(slash + 1).starts_with(track_control)) {
        return std::nullopt;
    }
    const std::string_view text = path.substr(slash + 1 + track_control.size());
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    path = path.substr(0, slash);
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
    address.track = take_track(url);   // players put it behind the query, too
    drop_slashes(url);
    const std::size_t query = std::min(url.find('?'), url.size());
    std::string_view before = url.substr(0, query);
    if (const std::optional<unsigned> track = take_track(before)) {   // or in front of it
        address.track = track;
    }
    address.base = fmt::format("{}{}", before, url.substr(query));
    url = address.base;
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
