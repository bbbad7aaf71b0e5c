#pragma once

#include "base/result.hpp"

#include <expected>
#include <string_view>

namespace millrace::http {

/// Why a request is not served: the status that says so and a literal for the answer and the log.
struct Refusal {
    int status;
    std::string_view what;
};

/// A value or the refusal of the request.
template <class T = void>
using Accepted = std::expected<T, Refusal>;

inline std::unexpected<Refusal> refuse(int status, std::string_view what) {
    return std::unexpected(Refusal{status, what});
}

}   // namespace millrace::http
