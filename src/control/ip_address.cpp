#include "control/ip_address.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::size_t groups_of_ipv6 = 8;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// One number of an IPv4 address.
bool is_octet(std::string_view text) {
    const bool number = !text.empty() && text.size() <= 3 && std::ranges::all_of(text, is_digit);
    if (!number || (text.size() > 1 && text.front() == '0')) {
        return false;
    }
    return text.size() < 3 || text <= "255";
}

/// How many groups of 16 bits stand in a part of an IPv6 address without "::"; nothing if it is malformed.
/// Only the address's last part may end in an IPv4 address.
std::optional<std::size_t> groups(std::string_view part, bool last) {
    std::size_t count = 0;
    for (bool more = !part.empty(); more;) {
        const std::size_t colon = part.find(':');
        const std::string_view group = part.substr(0, colon);
        more = colon != std::string_view::npos;
        if (!more && last && is_ipv4_address(group)) {
            return count + 2;
        }
        if (group.empty() || group.size() > 4 || !std::ranges::all_of(group, is_hex_digit)) {
            return std::nullopt;
        }
        ++count;
        part.remove_prefix(more ? colon + 1 : part.size());
    }
    return count;
}

}   // namespace

bool is_ipv4_address(std::string_view text) {
    for (int octet = 0; octet < 3; ++octet) {
        const std::size_t dot = text.find('.');
        if (dot == std::string_view::npos || !is_octet(text.substr(0, dot))) {
            return false;
        }
        text.remove_prefix(dot + 1);
    }
    return is_octet(text);
}

bool is_ipv6_address(std::string_view text) {
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        return groups(text, true) == groups_of_ipv6;
    }
    const auto before = groups(text.substr(0, gap), false);
    const auto after = groups(text.substr(gap + 2), true);
    return before && after && *before + *after < groups_of_ipv6;
}

}   // namespace millrace::control
