#pragma once

#include "base/bytes.hpp"
#include "base/random.hpp"
#include "base/storage.hpp"
#include "control/yaml.hpp"

#include <array>
#include <string>
#include <string_view>

namespace millrace::control {

/// What a node keeps over restarts, as one file `state.json` in `storage.path`, replaced whole:
///
///     { "format": 1,
///       "cookie_key": "64 hexadecimal digits",
///       "first_admin": "$argon2id$…",               where the first start made one
///       "enrolments": [ { … }, … ],                 see enrolment.hpp
///       "overlay": { "streams": { … }, … } }        what the API changed, in the configuration's shape
struct State {
    static constexpr std::string_view file_name = "state.json";
    static constexpr std::size_t size_max = 8U << 20U;

    std::array<std::byte, 32> cookie_key{};
    std::string first_admin;
    YamlNode enrolments{.kind = YamlNode::Kind::list};
    YamlNode overlay{.kind = YamlNode::Kind::map};

    /// A new one, with a key of its own.
    static State make(Random& random);
};

/// What was kept; nothing where there is no file yet. Throws ConfigurationError that names the file and what
/// to do where it is damaged, of a later version, or cannot be read.
std::optional<State> load_state(Storage& storage, std::string_view folder);

/// The file's text.
std::string state_text(const State& state);

}   // namespace millrace::control
