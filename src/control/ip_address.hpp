#pragma once

#include <string_view>

namespace millrace::control {

/// "192.0.2.1": four decimal numbers without leading zeros.
bool is_ipv4_address(std::string_view text);
/// RFC 4291 §2.2: "2001:db8::1", "::ffff:192.0.2.1"; without brackets and without a zone.
bool is_ipv6_address(std::string_view text);

}   // namespace millrace::control
