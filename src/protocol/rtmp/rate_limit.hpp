#pragma once

#include "base/rate_limit.hpp"

namespace millrace::rtmp {

/// Control, command and data messages a peer may send, in the long run and at once. Media is bounded by its
/// bytes alone.
constexpr int messages_per_second_max = 200;
constexpr int messages_burst_max = 400;
using RateLimit = millrace::RateLimit<messages_per_second_max, messages_burst_max>;

}   // namespace millrace::rtmp
