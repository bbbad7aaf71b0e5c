#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

/// One line an event on stderr, at most 512 bytes (as JSON, one object a line: time, level, who, text),
/// control characters escaped, secrets masked, at most 100 lines a second (then "suppressed n"). Any thread.
namespace millrace::log {

enum class Level : std::uint8_t { debug, info, warning, error };
/// For people, or one JSON object a line.
enum class Format : std::uint8_t { text, json };

/// What lines look like from now on; the default is text.
void set_format(Format format);

/// Hears every line that is written, with secrets masked. Any thread calls it, and it must not log.
class Tap {
public:
    virtual void on_line(Level level, std::string_view who, std::string_view text) = 0;

protected:
    ~Tap() = default;
};
/// Null takes it away: when no other thread logs any more. It outlives its place here.
void set_tap(Tap* tap);
std::string_view name(Level level);

/// Lines below this level are dropped; the default is info.
void set_level(Level level);
bool enabled(Level level);

/// `who` is the protocol or room ("rtmp", "hub"); `text` names peer, stream and reason.
void write(Level level, std::string_view who, std::string_view text);

/// A line as it leaves, at most 512 bytes with its line feed.
struct Line {
    std::string_view time;   ///< RFC 3339
    Level level;
    std::string_view who;
    std::string_view text;
};
std::string line_of(const Line& line, Format format);

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
