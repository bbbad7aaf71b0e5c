#pragma once

#include "control/configuration.hpp"
#include "control/yaml.hpp"

#include <string>
#include <string_view>

namespace millrace::control {

/// A value that was written somewhere for a key, and how to read it as what the key needs. Every reader
/// throws a ConfigurationError that says where the value stands and what would be right.
class Setting {
public:
    /// `source` is a file name, or the variable or option the value comes from.
    Setting(const YamlNode& node, std::string path, std::string_view source)
        : node_{node}, path_{std::move(path)}, source_{source} {}

    const YamlNode& node() const { return node_; }
    const std::string& path() const { return path_; }   ///< "auth.users[2].name"
    std::string_view source() const { return source_; }

    [[noreturn]] void refuse(std::string_view what) const;
    /// Refuses with the value in quotes and what is wanted instead.
    [[noreturn]] void refuse_value(std::string_view wanted) const;

    /// A scalar's text, not empty.
    const std::string& text(std::string_view wanted) const;
    /// The same of plain letters (`is_plain`).
    const std::string& plain_text(std::string_view more, std::size_t size_max, std::string_view wanted) const;
    /// An address by HTTP without path, user and fragment: "https://host:port".
    std::string site(std::string_view wanted) const;
    bool truth() const;
    unsigned whole_number(unsigned max) const;
    Duration duration() const;
    ListenAddress listen_address() const;
    NamePattern name_pattern() const;

    /// The items of a list, or the values of a map, each as a setting of its own.
    std::vector<Setting> list(std::size_t count_max) const;
    std::vector<Setting> map(std::size_t count_max) const;

private:
    const YamlNode& node_;
    std::string path_;
    std::string_view source_;
};

/// Whether a text is of ASCII letters, digits and `more` alone.
bool is_plain(std::string_view text, std::string_view more);

/// The source of what the API changed.
inline constexpr std::string_view overlay_name = "the API's changes";

/// Where a node stands: "millrace.yaml:3:5", or the source alone.
std::string place_of(const YamlNode& node, std::string_view source);

}   // namespace millrace::control
