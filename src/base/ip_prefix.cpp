#include "base/ip_prefix.hpp"

#include <fmt/format.h>

#include <charconv>

namespace millrace {

namespace {

constexpr unsigned bits_of_byte = 8;
constexpr unsigned bits_of_ip = PeerAddress::ip_size * bits_of_byte;
constexpr unsigned bits_before_ipv4 = 96;

/// The bits of byte `index` that lie inside the first `bits` of an address.
std::uint8_t mask(std::size_t index, unsigned bits) {
    const auto before = static_cast<unsigned>(index) * bits_of_byte;
    const unsigned inside = bits <= before ? 0 : std::min(bits - before, bits_of_byte);
    return static_cast<std::uint8_t>(0xFF00U >> inside);
}

}   // namespace

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = PeerAddress::parse({std::string{text.substr(0, slash)}, 0});
    if (!address || address->zone() != 0) {
        return std::nullopt;
    }
    // The mapped block ::ffff:0:0/96 is IPv4's; an IPv4 length counts within it.
    const bool ipv4 = address->is_ipv4() && text.find(':') == std::string_view::npos;
    const unsigned offset = ipv4 ? bits_before_ipv4 : 0;
    IpPrefix prefix;
    prefix.ip_ = address->ip();
    prefix.bits_ = bits_of_ip;
    if (slash != std::string_view::npos) {
        const std::string_view length = text.substr(slash + 1);
        unsigned bits = 0;
        const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
        const bool plain = length.size() == 1 || !length.starts_with('0');
        if (error != std::errc{} || end != length.data() + length.size() || !plain ||
            bits > bits_of_ip - offset) {
            return std::nullopt;
        }
        prefix.bits_ = bits + offset;
    }
    for (std::size_t i = 0; i < prefix.ip_.size(); ++i) {
        if ((prefix.ip_.at(i) & ~mask(i, prefix.bits_) & 0xFFU) != 0) {
            return std::nullopt;
        }
    }
    return prefix;
}

bool IpPrefix::contains(const PeerAddress& address) const {
    for (std::size_t i = 0; i < ip_.size(); ++i) {
        if ((address.ip().at(i) & mask(i, bits_)) != ip_.at(i)) {
            return false;
        }
    }
    return true;
}

std::string IpPrefix::text() const {
    const PeerAddress address{ip_, 0};
    if (bits_ == bits_of_ip) {
        return address.endpoint().address;
    }
    const bool ipv4 = address.is_ipv4() && bits_ >= bits_before_ipv4;
    return fmt::format("{}/{}", address.endpoint().address, ipv4 ? bits_ - bits_before_ipv4 : bits_);
}

}   // namespace millrace
