#include "capture/option_text.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>

namespace millrace::capture {

namespace {

constexpr std::size_t shown_max = 64;

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// "size, fps and codec"
std::string names_of(std::span<const OptionKey> keys) {
    std::string names;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        names += i == 0 ? "" : i + 1 == keys.size() ? " and " : ", ";
        names += keys[i].name;
    }
    return names;
}

}   // namespace

std::string shown(std::string_view text) {
    std::string out{text.substr(0, shown_max)};
    std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

std::unexpected<Fault> refuse(std::string words) {
    return std::unexpected(Fault{std::move(words), true});
}

std::optional<double> with_unit(std::string_view text, std::span<const Unit> units) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
    const std::optional<double> value = number<double>(text.substr(0, digits));
    if (unit == units.end() || !value) {
        return std::nullopt;
    }
    return *value * unit->factor;
}

std::optional<std::uint32_t> whole_number(std::string_view text) {
    return number<std::uint32_t>(text);
}

std::optional<PictureSize> size_of(std::string_view text, PictureSize least, std::uint32_t most) {
    const std::size_t x = std::min(text.find('x'), text.size());
    const auto width = whole_number(text.substr(0, x));
    const auto height = whole_number(text.substr(std::min(x + 1, text.size())));
    const auto in = [most](std::optional<std::uint32_t> side, std::uint32_t from) {
        return side && *side >= from && *side <= most && *side % 2 == 0;
    };
    if (!in(width, least.width) || !in(height, least.height)) {
        return std::nullopt;
    }
    return PictureSize{*width, *height};
}

std::optional<FrameRate> frame_rate_of(std::string_view text, std::int64_t most) {
    const std::size_t slash = text.find('/');
    const auto frames = number<std::int64_t>(text.substr(0, slash));
    const auto seconds = slash == std::string_view::npos ? std::optional<std::int64_t>{1}
                                                         : number<std::int64_t>(text.substr(slash + 1));
    constexpr std::int64_t seconds_max = 10'000;
    if (!frames || !seconds || *seconds < 1 || *seconds > seconds_max || *frames < *seconds ||
        *frames > most * *seconds) {
        return std::nullopt;
    }
    return FrameRate{*frames, *seconds};
}

Outcome<void> read_options(std::string_view kind, std::string_view query, std::span<const OptionKey> keys) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
        const auto key = std::ranges::find(keys, pair.substr(0, equals), &OptionKey::name);
        if (key == keys.end()) {
            return refuse(fmt::format("{}: has no option '{}'; it has {}", kind,
                                      shown(pair.substr(0, equals)), names_of(keys)));
        }
        if (!key->set(value)) {
            return refuse(
                fmt::format("{}: {}='{}': wanted is {}", kind, key->name, shown(value), key->wanted));
        }
    }
    return {};
}

}   // namespace millrace::capture
