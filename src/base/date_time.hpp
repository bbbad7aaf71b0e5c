#pragma once

#include "base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// RFC 3339 §5.6: "2026-11-20T14:09:32Z", with a fraction or an offset ("+02:00") if need be. Nothing for
/// anything else, and for years before 1970. A leap second is the second after it.
std::optional<WallTime> parse_date_time(std::string_view text);

/// RFC 3339 in UTC, with milliseconds (rounded down): "2026-11-20T14:09:32.123Z". Years 0 to 9999.
std::string date_time_text(WallTime time);

}   // namespace millrace
