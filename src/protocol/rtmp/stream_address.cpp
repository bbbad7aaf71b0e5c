#include "protocol/rtmp/stream_address.hpp"

#include <utility>

namespace millrace::rtmp {

namespace {

std::pair<std::string_view, std::string_view> split_query(std::string_view text) {
    const std::size_t mark = text.find('?');
    if (mark == std::string_view::npos) {
        return {text, {}};
    }
    return {text.substr(0, mark), text.substr(mark + 1)};
}

std::string_view without_slashes_before(std::string_view text) {
    while (text.starts_with('/')) {
        text.remove_prefix(1);
    }
    return text;
}

std::string_view without_slashes_around(std::string_view text) {
    while (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    return without_slashes_before(text);
}

std::string joined(std::string_view first, char seam, std::string_view second) {
    std::string text{first};
    if (!first.empty() && !second.empty()) {
        text += seam;
    }
    text += second;
    return text;
}

}   // namespace

StreamAddress stream_address(std::string_view app, std::string_view tc_url, std::string_view key) {
    auto [app_path, app_query] = split_query(app);
    const auto [key_path, key_query] = split_query(key);
    if (app_query.empty()) {
        app_query = split_query(tc_url).second;
    }
    app_path = without_slashes_around(app_path);
    return {.name = joined(app_path, '/', without_slashes_before(key_path)),
            .query = joined(key_query, '&', app_query),
            .app = std::string{app_path}};
}

}   // namespace millrace::rtmp
