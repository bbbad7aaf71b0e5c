#include "capture/picture_options.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace millrace::capture {

namespace {

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole ? std::optional{value} : std::nullopt;
}

bool is_side(std::uint32_t value) {
    return value == 0 || (value >= PictureOptions::side_min && value <= PictureOptions::side_max);
}

struct Key {
    std::string_view name;
    bool (*set)(PictureOptions& options, std::uint32_t value);
};
constexpr std::array keys{
    Key{"width",
        [](PictureOptions& options, std::uint32_t value) { return options.width = value, is_side(value); }},
    Key{"height",
        [](PictureOptions& options, std::uint32_t value) { return options.height = value, is_side(value); }},
    Key{"fps",
        [](PictureOptions& options, std::uint32_t value) {
            return options.fps = value, value <= PictureOptions::frame_rate_max;
        }},
    Key{"quality",
        [](PictureOptions& options, std::uint32_t value) {
            options.quality = value == 0 ? options.quality : static_cast<int>(value);
            return value <= 100;
        }},
};

/// `part` as large as `whole` is to `of`, even, and at least side_min.
std::uint32_t scaled(std::uint32_t whole, std::uint32_t part, std::uint32_t of) {
    const std::uint64_t exact = (std::uint64_t{whole} * part + of / 2) / of;
    return std::max<std::uint32_t>(PictureOptions::side_min, static_cast<std::uint32_t>(exact) & ~1U);
}

}   // namespace

PictureSize size_for(PictureSize source, const PictureOptions& options) {
    PictureSize size{std::min(options.width, source.width), std::min(options.height, source.height)};
    if (size.width == 0 && size.height == 0) {
        return source;
    }
    if (size.width == 0) {
        size.width = scaled(source.width, size.height, source.height);
    } else if (size.height == 0) {
        size.height = scaled(source.height, size.width, source.width);
    }
    if (size == source) {
        return source;
    }
    const auto even = [](std::uint32_t side) { return std::max(PictureOptions::side_min, side & ~1U); };
    return {even(size.width), even(size.height)};
}

Outcome<PictureOptions> parse_picture_options(std::string_view query) {
    PictureOptions options;
    if (!query.empty() && !query.starts_with('?')) {
        return std::unexpected(Fault{"pictures are asked for by a query, such as jpeg:?width=640", true});
    }
    query.remove_prefix(std::min<std::size_t>(1, query.size()));
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const auto key = std::ranges::find(keys, pair.substr(0, equals), &Key::name);
        if (key == keys.end()) {
            return std::unexpected(
                Fault{"pictures have no such option; they have width, height, fps and "
                      "quality",
                      true});
        }
        const std::optional<std::uint32_t> value = number(pair.substr(std::min(equals + 1, pair.size())));
        if (!value || !key->set(options, *value)) {
            return std::unexpected(
                Fault{fmt::format("pictures cannot have this {}: it is out of range", key->name), true});
        }
    }
    return options;
}

}   // namespace millrace::capture
