#pragma once

#include "base/bytes.hpp"

#include <string>
#include <string_view>

namespace millrace::net::testing {

/// A PROXY header, version 2: its 13th and 14th byte, and what follows the length.
inline std::string proxy_header(unsigned version_and_command, unsigned family, std::string_view rest) {
    std::string header{"\r\n\r\n\0\r\nQUIT\n", 12};
    header += static_cast<char>(version_and_command);
    header += static_cast<char>(family);
    header += static_cast<char>(rest.size() >> 8U);
    header += static_cast<char>(rest.size());
    return header.append(rest);
}

/// From 203.0.113.7:4660 to 192.0.2.1:80.
constexpr std::string_view ipv4_addresses{"\xCB\x00\x71\x07\xC0\x00\x02\x01\x12\x34\x00\x50", 12};

}   // namespace millrace::net::testing
