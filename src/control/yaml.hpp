#pragma once

#include "control/configuration_error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control {

/// One value of a YAML document with its place, free of the library that read it.
struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    std::string text;              ///< of a scalar
    bool quoted = false;           ///< a scalar in quotes is text, never a number
    std::vector<YamlNode> items;   ///< of a list, or the values of a map
    std::string key;               ///< where this is a value of a map
    int line = 0;                  ///< of the key if there is one, counted from 1; 0: not from a file
    int column = 0;
};

inline constexpr std::size_t yaml_size_max = 1U << 20U;
inline constexpr std::size_t yaml_depth_max = 16;

/// Reads one YAML document without anchors, aliases and tags; a key stands once in its map. Throws
/// ConfigurationError that begins with `source`. An empty document is null.
YamlNode parse_yaml(std::string_view text, std::string_view source);

}   // namespace millrace::control
