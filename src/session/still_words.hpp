#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/web.hpp"

#include <cstdint>
#include <string>

namespace millrace::session {

/// What `width` in a query may be, and the steps to which it is rounded up, so that many wishes share one
/// picture.
constexpr std::uint32_t still_width_min = 160;
constexpr std::uint32_t still_width_max = 1920;
constexpr std::uint32_t still_width_step = 160;

/// The width that a query asks for, in whole steps; 0 where none is. Errc::malformed.
Result<std::uint32_t> still_width(const web::Request& request);
/// X-Timestamp, "1763646000.123456": seconds since 1970, UTC.
std::string still_timestamp(WallTime utc);

}   // namespace millrace::session
