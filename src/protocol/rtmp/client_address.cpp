#include "protocol/rtmp/client_address.hpp"

#include <algorithm>
#include <string_view>

namespace millrace::rtmp {

namespace {

/// RFC 3986 §2.3: all but the unreserved characters by their digits.
std::string query_encoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view{"-._~"}.contains(c);
        encoded += plain ? std::string{c} : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

}   // namespace

Client::Options options_for(const Url& url, Client::Role role) {
    const std::size_t path_end = std::min(url.target.find('?'), url.target.size());
    std::string_view path{url.target};
    path = path.substr(1, path_end - 1);
    std::string query = url.target.substr(path_end);
    if (url.has_user) {
        query += fmt::format("{}user={}&pass={}", query.empty() ? '?' : '&', query_encoded(url.user),
                             query_encoded(url.password));
    }
    const std::size_t slash = path.rfind('/');
    const bool keyless = slash == std::string_view::npos;
    Client::Options options{.role = role,
                            .app = std::string{path.substr(0, slash)},
                            .tc_url = {},
                            .key = keyless ? std::string{} : std::string{path.substr(slash + 1)}};
    (keyless ? options.app : options.key) += query;
    // Servers take a tcUrl apart by its port.
    const Endpoint endpoint = url.endpoint();
    options.tc_url = fmt::format("{}://{}/{}", url.scheme, endpoint.text(), options.app);
    return options;
}

}   // namespace millrace::rtmp
