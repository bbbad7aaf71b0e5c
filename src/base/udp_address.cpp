#include "base/udp_address.hpp"

#include "base/peer_address.hpp"

#include <charconv>

namespace millrace {

Result<Endpoint> parse_udp_address(std::string_view text) {
    constexpr std::string_view scheme = "udp://";
    if (!text.starts_with(scheme)) {
        return fail(Errc::malformed, "a UDP address begins with udp://");
    }
    text.remove_prefix(scheme.size());
    if (text.starts_with('@')) {
        text.remove_prefix(1);
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return fail(Errc::malformed, "a UDP address ends with its port, as in udp://@:5000");
    }
    const std::string_view digits = text.substr(colon + 1);
    Endpoint at{"", 0};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), at.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || at.port == 0) {
        return fail(Errc::malformed, "a UDP address ends with a port from 1 to 65535");
    }
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return fail(Errc::malformed, "an IPv6 address stands in brackets, as in udp://@[ff02::1]:5000");
    }
    at.address = host;
    if (!host.empty() && !PeerAddress::parse(at)) {
        return fail(Errc::malformed,
                    "write the address to listen on in numbers, as in udp://@239.1.1.1:5000");
    }
    return at;
}

}   // namespace millrace
