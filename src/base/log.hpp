#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

/// One line an event on stderr, at most 512 bytes, control characters escaped, secrets masked, at most 100
/// lines a second (then "suppressed n"). Any thread.
namespace millrace::log {

enum class Level : std::uint8_t { debug, info, warning, error };
/// For people, or one JSON object a line.
enum class Format : std::uint8_t { text, json };

/// Lines below this level are dropped; the default is info.
void set_level(Level level);
bool enabled(Level level);

/// `who` is the protocol or room ("rtmp", "hub"); `text` names peer, stream and reason.
void write(Level level, std::string_view who, std::string_view text);

/// Text from outside, safe for a log line: control and non-ASCII bytes as \xNN, cut at `limit` bytes.
std::string escaped(std::string_view text, std::size_t limit = 128);

template <class... Args>
void debug(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::debug)) {
        write(Level::debug, who, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <class... Args>
void info(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    write(Level::info, who, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    write(Level::warning, who, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    write(Level::error, who, fmt::format(format, std::forward<Args>(args)...));
}

}   // namespace millrace::log
