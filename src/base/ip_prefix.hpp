#pragma once

#include "base/peer_address.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// A block of IP addresses, "10.0.0.0/8" or "2001:db8::/32" (RFC 4632 §3.1, RFC 4291 §2.3). One address alone
/// is a block of itself.
class IpPrefix {
public:
    /// Nothing if it is no numeric address, or if bits are set behind the prefix.
    static std::optional<IpPrefix> parse(std::string_view text);

    bool contains(const PeerAddress& address) const;
    /// As people write it; the length is left out where it is whole.
    std::string text() const;
    bool operator==(const IpPrefix&) const = default;

private:
    PeerAddress::Ip ip_{};
    unsigned bits_ = 0;   // of the address as IPv6 maps it
};

}   // namespace millrace
