#pragma once

#include "base/result.hpp"
#include "hub/name.hpp"

#include <string>
#include <string_view>

namespace millrace::control {

/// Stream names with `*`, as grants and the configuration write them. In a segment `*` stands for any run of
/// characters, also none; a last segment that is `*` alone stands for the rest, one segment or more:
/// `live/*` is live/a and live/a/b but not live. `*` is every stream.
class NamePattern {
public:
    /// The error names the rule of stream names that `text` breaks.
    static Result<NamePattern> parse(std::string_view text);

    bool matches(const hub::StreamName& name) const;
    const std::string& text() const { return text_; }
    bool operator==(const NamePattern&) const = default;

private:
    explicit NamePattern(std::string_view text) : text_{text} {}
    std::string text_;
};

}   // namespace millrace::control
