#pragma once

#include "control/configuration.hpp"
#include "control/setting.hpp"

#include <string_view>
#include <vector>

namespace millrace::control {

/// `auth.users` and `auth.tokens` as the configuration writes them, and one entry of each. All throw
/// ConfigurationError, whose text never repeats a secret.
std::vector<User> read_users(const Setting& setting);
std::vector<Token> read_tokens(const Setting& setting);
User read_user(const Setting& setting);
Token read_token(const Setting& setting);

/// Whether a user or a token may be called so.
bool is_user_name(std::string_view name);

}   // namespace millrace::control
