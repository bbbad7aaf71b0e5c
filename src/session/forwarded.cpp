#include "session/forwarded.hpp"

#include <algorithm>
#include <ranges>

namespace millrace::session {

namespace {

constexpr std::string_view white = " \t";

bool trusts(const std::vector<IpPrefix>& proxies, const PeerAddress& address) {
    return std::ranges::any_of(proxies, [&](const IpPrefix& known) { return known.contains(address); });
}

/// Takes the last item off a list with commas, without the white space around it.
std::string_view take_last(std::string_view& list) {
    const std::size_t comma = list.rfind(',');
    std::string_view item = list.substr(comma == std::string_view::npos ? 0 : comma + 1);
    list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
    item.remove_prefix(std::min(item.find_first_not_of(white), item.size()));
    return item.substr(0, item.find_last_not_of(white) + 1);
}

/// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711": the address alone.
std::optional<PeerAddress> read_address(std::string_view text) {
    if (text.starts_with('[')) {
        text = text.substr(1, std::min(text.find(']'), text.size()) - 1);
    } else if (std::ranges::count(text, ':') == 1) {
        text = text.substr(0, text.find(':'));
    }
    return PeerAddress::parse({std::string{text}, 0});
}

}   // namespace

void take_forwarded(web::Request& request, const std::vector<IpPrefix>& trusted_proxies) {
    const auto proxy = trusted_proxies.empty() ? std::nullopt : PeerAddress::parse(request.peer);
    if (!proxy || !trusts(trusted_proxies, *proxy)) {
        return;
    }
    std::optional<PeerAddress> client;
    bool more = true;
    // Several headers of a name are one list, in their order (RFC 9110 §5.3).
    for (const web::Header& header : request.headers | std::views::reverse) {
        std::string_view rest = header.value;
        while (more && web::same_name(header.name, "x-forwarded-for") && !rest.empty()) {
            const auto hop = read_address(take_last(rest));
            client = hop ? hop : client;
            more = hop && trusts(trusted_proxies, *hop);
        }
    }
    if (client) {
        request.peer = client->endpoint();
    }
    for (const web::Header& header : request.headers) {
        if (web::same_name(header.name, "x-forwarded-proto")) {
            std::string_view list = header.value;
            request.encrypted = web::same_name(take_last(list), "https");
        }
    }
}

}   // namespace millrace::session
