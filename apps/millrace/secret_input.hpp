#pragma once

#include <string>

namespace millrace::apps {

/// A line that nobody sees while it is typed; from a file or a pipe as it comes. Throws std::runtime_error
/// where none comes.
std::string secret_input(const std::string& question);

}   // namespace millrace::apps
