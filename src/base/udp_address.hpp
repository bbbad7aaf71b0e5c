#pragma once

#include "base/connection.hpp"
#include "base/result.hpp"

#include <string_view>

namespace millrace {

/// Where a source `udp://@ADDRESS:PORT` listens: `udp://@:5000` on every address of this machine,
/// `udp://@239.1.1.1:5000` to a group, `udp://@192.0.2.1:5000` on one address. The `@` may be left out.
/// Errc::malformed in words for whoever wrote it.
Result<Endpoint> parse_udp_address(std::string_view text);

}   // namespace millrace
