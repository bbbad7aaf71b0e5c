#include "control/encode_rule.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace millrace::control {

namespace {

constexpr std::string_view value_wanted = "a short word such as h264, 2M or 640x480";

struct Key {
    std::string_view name;
    std::string_view values;   // separated by spaces; empty: anything that a query may hold
};
constexpr std::array keys{
    Key{"codec", "h264 h265 av1 mjpeg copy"},
    Key{"size", ""},
    Key{"fps", ""},
    Key{"bitrate", ""},
    Key{"gop", ""},
    Key{"preset", "ultrafast superfast veryfast faster fast medium slow slower veryslow"},
    Key{"bframes", "0 1 2 3 4"},
    Key{"quality", ""},
    Key{"audio", ""},
    Key{"encoder", ""},
};

bool stands_in(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const std::string_view one = words.substr(0, words.find(' '));
        if (one == word) {
            return true;
        }
        words.remove_prefix(std::min(one.size() + 1, words.size()));
    }
    return false;
}

}   // namespace

std::string read_encode(const Setting& setting) {
    constexpr std::size_t value_size_max = 64;
    constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_:,-";
    std::string query;
    for (const Setting& entry : setting.map(keys.size())) {
        const auto key = std::ranges::find(keys, std::string_view{entry.node().key}, &Key::name);
        if (key == keys.end()) {
            entry.refuse(
                "unknown key; encode has codec, size, fps, bitrate, gop, preset, bframes, quality, "
                "audio and encoder");
        }
        const std::string& value = entry.text(value_wanted);
        if (!key->values.empty() && !stands_in(key->values, value)) {
            entry.refuse_value(fmt::format("one of {}", key->values));
        }
        if (value.size() > value_size_max || value.find_first_not_of(letters) != std::string::npos) {
            entry.refuse_value(value_wanted);
        }
        query += fmt::format("{}{}={}", query.empty() ? "" : "&", key->name, value);
    }
    return query;
}

std::string encoded_source(const Setting& setting, const std::string& source, const std::string& query) {
    constexpr std::array<std::string_view, 8> captured{
        "test:", "file:", "v4l2:", "screen:", "alsa:", "pulse:", "raw:", "exec:"};
    const auto begins_so = [&source](std::string_view prefix) { return source.starts_with(prefix); };
    if (std::ranges::none_of(captured, begins_so)) {
        setting.refuse(
            "only what this machine captures itself is encoded: test:, file:, v4l2:, screen:, alsa:, "
            "pulse:, raw: and exec:");
    }
    return query.empty() ? source : source + (source.find('?') == std::string::npos ? '?' : '&') + query;
}

}   // namespace millrace::control
