#include "base/outgoing.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace millrace {

namespace {

/// RFC 6890 and its register of special addresses, as far as they are no hosts of their own.
constexpr std::array<std::string_view, 16> closed{
    "0.0.0.0/8",            // this host (RFC 1122 §3.2.1.3): Linux takes 0.0.0.0 for loopback
    "100.100.100.200/32",   // a cloud's metadata
    "127.0.0.0/8",          // loopback
    "169.254.0.0/16",       // the link, and most clouds' metadata
    "192.0.0.0/24",         // protocol assignments
    "224.0.0.0/4",          // multicast
    "240.0.0.0/4",          // reserved, and broadcast
    "::/96",                // unspecified, loopback, and IPv4 in its oldest disguise
    "64:ff9b:1::/48",       // local translation to IPv4
    "100::/64",             // discard
    "2001::/32",            // Teredo: IPv4 within
    "fd00:ec2::254/128",    // a cloud's metadata
    "fd20:ce::254/128",     // another's
    "fe80::/10",            // the link
    "fec0::/10",            // the site, as it once was
    "ff00::/8",             // multicast
};

bool lies_in(const std::vector<IpPrefix>& prefixes, const PeerAddress& address) {
    return std::ranges::any_of(prefixes, [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

std::vector<IpPrefix> closed_prefixes() {
    std::vector<IpPrefix> prefixes;
    for (const std::string_view text : closed) {
        prefixes.push_back(IpPrefix::parse(text).value());
    }
    return prefixes;
}

/// The IPv4 address at `offset` of an IPv6 one that translators would reach by it.
PeerAddress embedded(const PeerAddress& address, std::size_t offset) {
    std::array<std::uint8_t, 4> ip{};
    std::copy_n(address.ip().begin() + static_cast<std::ptrdiff_t>(offset), ip.size(), ip.begin());
    return PeerAddress::ipv4(ip, address.port());
}

}   // namespace

bool OutgoingRules::allow(const PeerAddress& address) const {
    static const std::vector<IpPrefix> never = closed_prefixes();
    static const IpPrefix nat64 = IpPrefix::parse("64:ff9b::/96").value();      // RFC 6052 §2.1
    static const IpPrefix six_to_four = IpPrefix::parse("2002::/16").value();   // RFC 3056 §2
    if (lies_in(allowed_, address)) {
        return true;
    }
    if (nat64.contains(address)) {
        return allow(embedded(address, 12));
    }
    if (six_to_four.contains(address)) {
        return allow(embedded(address, 2));
    }
    return !lies_in(never, address);
}

}   // namespace millrace
