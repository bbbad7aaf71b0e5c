#include "protocol/http/target.hpp"

#include "base/web.hpp"

#include <algorithm>

namespace millrace::http {

namespace {

/// The part of an absolute form from its path on, or the text itself.
std::string_view without_authority(std::string_view text) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (text.size() > scheme.size() && web::same_name(text.substr(0, scheme.size()), scheme)) {
            text.remove_prefix(scheme.size());
            return text.substr(std::min(text.find_first_of("/?"), text.size()));
        }
    }
    return text;
}

bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment == "." || segment == "..") {
            return true;
        }
        path.remove_prefix(segment.size());
    }
    return false;
}

}   // namespace

Accepted<Target> parse_target(std::string_view text) {
    if (text == "*") {
        return Target{.path = "*", .query = {}};
    }
    const std::string_view local = without_authority(text);
    const bool absolute = local.size() != text.size();
    if (!local.starts_with('/') && !(absolute && (local.empty() || local.starts_with('?')))) {
        return refuse(400, "the request-target is not a path");
    }
    if (local.find('#') != std::string_view::npos) {
        return refuse(400, "the request-target has a fragment");
    }
    const std::size_t mark = std::min(local.find('?'), local.size());
    auto path = web::percent_decode(mark == 0 ? "/" : local.substr(0, mark));
    if (!path) {
        return refuse(400, "the path has a bad percent-escape or a NUL");
    }
    // No name has one, and what stands behind us may take a backslash for a slash.
    if (std::ranges::any_of(*path, [](char c) { return c == '\\' || (c >= 0 && c < ' ') || c == '\x7F'; })) {
        return refuse(400, "the path has a backslash or a control character");
    }
    if (has_dot_segment(*path)) {
        return refuse(400, "a path has no segment '.' or '..'");
    }
    return Target{std::move(*path), std::string{local.substr(std::min(mark + 1, local.size()))}};
}

}   // namespace millrace::http
