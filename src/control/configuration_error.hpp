#pragma once

#include <stdexcept>

namespace millrace::control {

/// The configuration cannot be used. The text names the file with line and column (or the environment
/// variable, or the option), the key, and what would be right; it holds no secret.
struct ConfigurationError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}   // namespace millrace::control
