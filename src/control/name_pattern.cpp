#include "control/name_pattern.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

/// Takes the first segment and its slash off `path`.
std::string_view take_segment(std::string_view& path) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
    return segment;
}

/// Whether `text` is `pattern` with each `*` replaced by some run of characters.
bool matches_segment(std::string_view pattern, std::string_view text) {
    std::size_t in_pattern = 0;
    std::size_t in_text = 0;
    std::size_t star = std::string_view::npos;   // the last one passed
    std::size_t star_text = 0;                   // where its run ends for now
    while (in_text < text.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            star = in_pattern++;
            star_text = in_text;
        } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[in_text]) {
            ++in_pattern;
            ++in_text;
        } else if (star != std::string_view::npos) {
            in_pattern = star + 1;
            in_text = ++star_text;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

}   // namespace

Result<NamePattern> NamePattern::parse(std::string_view text) {
    // A pattern is a name once its stars are characters.
    std::string name{text};
    std::ranges::replace(name, '*', 'x');
    if (const auto parsed = hub::StreamName::parse(name); !parsed) {
        return std::unexpected(parsed.error());
    }
    return NamePattern{text};
}

bool NamePattern::matches(const hub::StreamName& name) const {
    std::string_view pattern = text_;
    std::string_view rest = name.text();
    while (!pattern.empty() && !rest.empty()) {
        if (pattern == "*") {
            return true;
        }
        const std::string_view expected = take_segment(pattern);
        if (!matches_segment(expected, take_segment(rest))) {
            return false;
        }
    }
    return pattern.empty() && rest.empty();
}

}   // namespace millrace::control
