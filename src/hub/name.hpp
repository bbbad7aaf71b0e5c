#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace millrace::hub {

/// The checked name of a stream: one to eight segments joined by `/`, each of 1 to 64 characters
/// `A-Z a-z 0-9 _ . ~ -`, none `.` or `..`, no segment with the ending of a media format, no reserved word.
/// A value of this type is safe in paths, pages, logs and hooks (a leading `-` is legal: never pass a name
/// to a command line). Copies freely; any thread.
class StreamName {
public:
    static constexpr std::size_t segments_max = 8;
    static constexpr std::size_t segment_size_max = 64;
    static constexpr std::size_t size_max = segments_max * (segment_size_max + 1) - 1;

    /// The error names the rule that `text` breaks.
    static Result<StreamName> parse(std::string_view text);

    const std::string& text() const { return text_; }
    auto operator<=>(const StreamName&) const = default;

private:
    explicit StreamName(std::string_view text) : text_{text} {}
    std::string text_;
};

/// The address of something of a stream, read from a decoded path.
struct MediaPath {
    StreamName name;
    /// What follows the name, a slice of the path: "" (the stream's page), ".flv" (a media ending),
    /// "/index.m3u8" (a known last part), "/upload/a.ts" (from a reserved segment on).
    std::string_view rest;
};

/// Reads "/live/cam.flv" as {live/cam, ".flv"}. A reserved segment after the first ends the name; else the
/// address is read from the right. Lives no longer than `path`. Errors are those of StreamName::parse.
Result<MediaPath> split_media_path(std::string_view path);

}   // namespace millrace::hub

/// Names are keys of hash tables.
template <>
struct std::hash<millrace::hub::StreamName> {
    std::size_t operator()(const millrace::hub::StreamName& name) const noexcept {
        return std::hash<std::string>{}(name.text());
    }
};
