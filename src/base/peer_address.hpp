#pragma once

#include "base/connection.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace millrace {

/// An IP address and a port in binary: a value to compare, hash and send to without allocating. An IPv4
/// address is held as IPv6 maps it (RFC 4291 §2.5.5.2), so that a peer is the same one on every socket.
/// All zero, it is nobody.
class PeerAddress {
public:
    static constexpr std::size_t ip_size = 16;
    using Ip = std::array<std::uint8_t, ip_size>;

    PeerAddress() = default;
    /// `zone` is the interface that a link-local address (fe80::) is reached through; otherwise 0.
    PeerAddress(const Ip& ip, std::uint16_t port, std::uint32_t zone = 0)
        : ip_{ip}, zone_{zone}, port_{port} {}
    static PeerAddress ipv4(const std::array<std::uint8_t, 4>& ip, std::uint16_t port);
    /// From a numeric address; nothing if it is a name or nonsense.
    static std::optional<PeerAddress> parse(const Endpoint& endpoint);

    const Ip& ip() const { return ip_; }
    std::uint16_t port() const { return port_; }
    std::uint32_t zone() const { return zone_; }
    bool is_ipv4() const;
    bool is_nobody() const { return *this == PeerAddress{}; }
    /// The same machine, whatever the port.
    PeerAddress host() const { return {ip_, 0, zone_}; }

    /// As people write it (RFC 5952), without the zone.
    Endpoint endpoint() const;
    std::string text() const { return endpoint().text(); }

    auto operator<=>(const PeerAddress&) const = default;

private:
    Ip ip_{};
    std::uint32_t zone_ = 0;
    std::uint16_t port_ = 0;
};

}   // namespace millrace

/// Spreads well; it resists nobody who chooses addresses to collide, so bound what is keyed by strangers.
template <>
struct std::hash<millrace::PeerAddress> {
    std::size_t operator()(const millrace::PeerAddress& address) const noexcept;
};
