#pragma once

#include "control/configuration.hpp"
#include "control/state.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::control {

/// What holds at a node: its configuration, and what it keeps. Immutable once shared; any thread.
struct Standing {
    Configuration configuration;   ///< with the administrator of the first start among its users
    State state;
    std::string file_name;   ///< of the configuration; empty: there is none
};
using StandingRef = std::shared_ptr<const Standing>;

/// The name of the administrator that a first start makes.
inline constexpr std::string_view first_admin_name = "admin";

/// The configuration that the sources and the state's overlay make. Throws ConfigurationError.
Standing stand(ConfigurationSources sources, State state);

/// Whether some user or token may administer the node.
bool has_admin(const Configuration& configuration);
/// Whether nobody could, though file, environment and options do not mean it so: the first start makes one.
bool needs_admin(const Configuration& configuration);

/// Where a key is fixed though the API would change it, as an end of a sentence: "the environment variable
/// MILLRACE_GRACE"; nothing if the API may change it.
std::optional<std::string> fixed_by(const Configuration& configuration, std::string_view key);

/// What stands under a dotted key of an overlay or null; and the map or list there, made if need be.
const YamlNode* overlay_value(const State& state, std::string_view key);
YamlNode& overlay_place(State& state, std::string_view key, YamlNode::Kind kind);
/// Takes maps and lists away that hold nothing.
void drop_empty(YamlNode& overlay);

}   // namespace millrace::control
