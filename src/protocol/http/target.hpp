#pragma once

#include "protocol/http/refusal.hpp"

#include <string>
#include <string_view>

namespace millrace::http {

/// A request-target taken apart.
struct Target {
    std::string path;    ///< percent-decoded once; begins with '/', or is "*" (OPTIONS)
    std::string query;   ///< raw
};

/// Origin form, absolute form (which RFC 9112 §3.2.2 obliges servers to take) or `*`. A path with a
/// control character, a backslash, a bad escape, or a segment `.` or `..` is refused: clients remove those
/// themselves.
Accepted<Target> parse_target(std::string_view text);

}   // namespace millrace::http
