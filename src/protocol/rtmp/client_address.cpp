#include "protocol/rtmp/client_address.hpp"

#include <algorithm>
#include <string_view>

namespace millrace::rtmp {

Client::Options options_for(const Url& url, Client::Role role) {
    const std::size_t path_end = std::min(url.target.find('?'), url.target.size());
    std::string_view path{url.target};
    path = path.substr(1, path_end - 1);
    const std::string proof = query_with_proof(url);
    const std::string query = proof.empty() ? proof : '?' + proof;
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
