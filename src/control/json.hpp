#pragma once

#include "base/result.hpp"
#include "control/yaml.hpp"

#include <string>
#include <string_view>

namespace millrace::control {

inline constexpr std::size_t json_depth_max = 32;

/// Reads one JSON text (RFC 8259) into the same nodes that YAML becomes: strings are quoted scalars, numbers
/// and truths plain ones. Stricter than the RFC where it leaves a choice: UTF-8 only, a key stands once in
/// its object, numbers fit into 64 bits, at most `json_depth_max` levels. Errc::malformed, Errc::exhausted.
Result<YamlNode> parse_json(std::string_view text);

/// The node as JSON, indented. Plain scalars that are no number and no truth become strings.
std::string json_text(const YamlNode& node);

/// The value of a key of a map; null where there is none.
const YamlNode* find(const YamlNode& map, std::string_view key);
YamlNode* find(YamlNode& map, std::string_view key);
/// Puts a value into a map, in the place of the old one or as the last.
YamlNode& put(YamlNode& map, std::string_view key, YamlNode value);
/// A text, unless it is empty.
void put_text(YamlNode& map, std::string_view key, std::string_view text);

YamlNode text_node(std::string_view text);
YamlNode plain_node(std::string_view text);   ///< a number or a truth
YamlNode map_node();
YamlNode list_node();

/// RFC 7396: what stands in the patch replaces, null takes away, maps go one level down.
YamlNode merge_patch(YamlNode target, const YamlNode& patch);

}   // namespace millrace::control
