#pragma once

#include "base/time.hpp"

#include <string>

namespace millrace {

/// RFC 3339 in UTC, to the millisecond: "2026-11-20T17:48:22.125Z". Years 0 to 9999.
std::string rfc3339(WallTime at);

}   // namespace millrace
