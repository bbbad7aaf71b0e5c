#pragma once

#include "control/configuration.hpp"
#include "control/yaml.hpp"

#include <string>
#include <string_view>

namespace millrace::control {

/// What is shown in the place of a secret.
inline constexpr std::string_view masked_secret = "***";

/// A key's value as the file would write it, with secrets masked.
YamlNode configuration_value(const Configuration& configuration, std::string_view key);

/// One entry of each list, likewise.
YamlNode user_value(const User& user);
/// Not masked.
YamlNode digest_value(const DigestSecrets& digest);
YamlNode token_value(const Token& token);
YamlNode stream_value(const StreamRule& rule);

/// "publish:live/*"
std::string grant_text(const Grant& grant);

/// A stream's rule as it may be shown: what is secret in its source masked.
YamlNode masked_rule(YamlNode rule);
/// An overlay as it may be shown: passwords, hashes of tokens and secrets of sources masked.
YamlNode masked_overlay(YamlNode overlay);

}   // namespace millrace::control
