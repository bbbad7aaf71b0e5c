#include "base/peer_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>
#include <string_view>

namespace millrace {

namespace {

constexpr std::size_t groups_max = 8;
using Groups = std::array<std::uint16_t, groups_max>;
constexpr std::array<std::uint8_t, 12> ipv4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// All of `text` as one number of at most `digits` digits.
std::optional<unsigned> number(std::string_view text, int base, std::size_t digits) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.size() > digits) {
        return std::nullopt;
    }
    return value;
}

/// "192.0.2.1": four decimal numbers without leading zeros, which some read as octal.
std::optional<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text) {
    std::array<std::uint8_t, 4> ip{};
    for (std::size_t i = 0; i < ip.size(); ++i) {
        const std::size_t dot = text.find('.');
        const std::string_view part = text.substr(0, dot);
        const auto value = number(part, 10, 3);
        const bool last = dot == std::string_view::npos;
        if (!value || *value > 255 || (part.size() > 1 && part.front() == '0') || last != (i == 3)) {
            return std::nullopt;
        }
        ip.at(i) = static_cast<std::uint8_t>(*value);
        text.remove_prefix(last ? text.size() : dot + 1);
    }
    return ip;
}

/// Reads the groups of a part without "::" and returns how many; nothing if it is malformed or too long.
/// Only the address's last part may end in an IPv4 address (RFC 4291 §2.2).
std::optional<std::size_t> parse_groups(std::string_view part, bool last, Groups& into) {
    std::size_t count = 0;
    for (bool more = !part.empty(); more;) {
        const std::size_t colon = part.find(':');
        const std::string_view group = part.substr(0, colon);
        more = colon != std::string_view::npos;
        if (const auto ipv4 = parse_ipv4(group); ipv4 && last && !more && count + 2 <= groups_max) {
            into.at(count) = static_cast<std::uint16_t>((*ipv4)[0] << 8U | (*ipv4)[1]);
            into.at(count + 1) = static_cast<std::uint16_t>((*ipv4)[2] << 8U | (*ipv4)[3]);
            return count + 2;
        }
        const auto value = number(group, 16, 4);
        if (!value || count == groups_max) {
            return std::nullopt;
        }
        into.at(count++) = static_cast<std::uint16_t>(*value);
        part.remove_prefix(more ? colon + 1 : part.size());
    }
    return count;
}

std::optional<PeerAddress::Ip> parse_ipv6(std::string_view text) {
    Groups groups{};
    const std::size_t gap = text.find("::");
    const bool whole = gap == std::string_view::npos;
    const auto before = parse_groups(text.substr(0, gap), whole, groups);
    if (!before || (whole && *before != groups_max)) {
        return std::nullopt;
    }
    if (!whole) {
        Groups tail{};
        const auto after = parse_groups(text.substr(gap + 2), true, tail);
        if (!after || *before + *after >= groups_max) {
            return std::nullopt;
        }
        std::copy_n(tail.begin(), *after, groups.end() - static_cast<std::ptrdiff_t>(*after));
    }
    PeerAddress::Ip ip{};
    for (std::size_t i = 0; i < groups_max; ++i) {
        ip.at(2 * i) = static_cast<std::uint8_t>(groups.at(i) >> 8U);
        ip.at(2 * i + 1) = static_cast<std::uint8_t>(groups.at(i));
    }
    return ip;
}

/// RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups as "::".
std::string ipv6_text(const PeerAddress::Ip& ip) {
    Groups groups{};
    for (std::size_t i = 0; i < groups_max; ++i) {
        groups.at(i) = static_cast<std::uint16_t>(ip.at(2 * i) << 8U | ip.at(2 * i + 1));
    }
    std::size_t gap = groups_max;
    std::size_t gap_size = 1;
    for (std::size_t i = 0, run = 0; i < groups_max; ++i) {
        run = groups.at(i) == 0 ? run + 1 : 0;
        if (run > gap_size) {
            gap = i + 1 - run;
            gap_size = run;
        }
    }
    std::string text;
    for (std::size_t i = 0; i < groups_max; ++i) {
        if (i == gap) {
            text += "::";
            i += gap_size - 1;
            continue;
        }
        text += text.empty() || text.back() == ':' ? "" : ":";
        text += fmt::format("{:x}", groups.at(i));
    }
    return text;
}

}   // namespace

PeerAddress PeerAddress::ipv4(const std::array<std::uint8_t, 4>& ip, std::uint16_t port) {
    Ip mapped{};
    std::ranges::copy(ipv4_prefix, mapped.begin());
    std::ranges::copy(ip, mapped.begin() + ipv4_prefix.size());
    return {mapped, port};
}

std::optional<PeerAddress> PeerAddress::parse(const Endpoint& endpoint) {
    if (const auto ip = parse_ipv4(endpoint.address)) {
        return ipv4(*ip, endpoint.port);
    }
    if (const auto ip = parse_ipv6(endpoint.address)) {
        return PeerAddress{*ip, endpoint.port};
    }
    return std::nullopt;
}

bool PeerAddress::is_ipv4() const {
    return std::ranges::equal(ipv4_prefix, std::span{ip_}.first<ipv4_prefix.size()>());
}

Endpoint PeerAddress::endpoint() const {
    if (is_ipv4()) {
        return {fmt::format("{}.{}.{}.{}", ip_[12], ip_[13], ip_[14], ip_[15]), port_};
    }
    return {ipv6_text(ip_), port_};
}

}   // namespace millrace

std::size_t std::hash<millrace::PeerAddress>::operator()(
    const millrace::PeerAddress& address) const noexcept {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), address.ip().data(), sizeof words);
    constexpr std::uint64_t odd = 0x9E37'79B9'7F4A'7C15U;
    std::uint64_t mixed = std::uint64_t{address.port()} << 32U | address.zone();
    for (const std::uint64_t word : words) {
        mixed ^= word;
        mixed = (mixed ^ mixed >> 32U) * odd;   // upper bits matter too: they hold the end of an IPv4 address
        mixed ^= mixed >> 29U;
    }
    return mixed;
}
