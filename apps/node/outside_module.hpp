#pragma once

#include <string>
#include <string_view>

namespace millrace::apps {

/// What the module of `outside` has under a name, loaded once for as long as the process lives: errors say
/// texts that lie in it. `key` of the configuration needs it. Throws std::runtime_error where it lacks.
void* find_outside(const char* name, std::string_view key);

/// The first line of a file with a secret, which `key` of the configuration names. Throws std::runtime_error.
std::string read_secret(const std::string& path, std::string_view key);

}   // namespace millrace::apps
