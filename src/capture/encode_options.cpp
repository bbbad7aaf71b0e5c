#include "capture/encode_options.hpp"

#include <algorithm>
#include <array>

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
constexpr std::array<std::string_view, 9> presets{"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                                  "medium",    "slow",      "slower",   "veryslow"};

bool set_codec(EncodeOptions& options, std::string_view text) {
    constexpr std::array known{media::Codec::h264, media::Codec::h265, media::Codec::av1,
                               media::Codec::mjpeg};
    constexpr std::array<std::string_view, 4> names{"h264", "h265", "av1", "mjpeg"};
    const auto name = std::ranges::find(names, text);
    options.copy = text == "copy";
    if (name != names.end()) {
        options.codec = known[static_cast<std::size_t>(name - names.begin())];
    }
    return options.copy || name != names.end();
}

bool set_bitrate(EncodeOptions& options, std::string_view text) {
    constexpr std::array units{Unit{"", 1}, Unit{"k", 1e3}, Unit{"M", 1e6}};
    const std::optional<double> bits = with_unit(text, units);
    if (!bits || *bits < EncodeOptions::bitrate_min || *bits > EncodeOptions::bitrate_max) {
        return false;
    }
    options.bitrate = static_cast<std::uint64_t>(*bits);
    return true;
}

bool set_gop(EncodeOptions& options, std::string_view text) {
    constexpr std::array units{Unit{"s", 1}, Unit{"ms", 1e-3}};
    const std::optional<double> seconds = with_unit(text, units);
    if (!seconds || *seconds < 0.1 || *seconds > 10) {
        return false;
    }
    options.gop = Duration{static_cast<std::int64_t>(*seconds * nanoseconds_a_second)};
    return true;
}

bool set_b_frames(EncodeOptions& options, std::string_view text) {
    const auto count = whole_number(text);
    options.b_frames = count.value_or(0);
    return count && *count <= EncodeOptions::b_frames_max;
}

bool set_encoder(EncodeOptions& options, std::string_view text) {
    constexpr std::size_t size_max = 32;
    options.encoder = text;
    return !text.empty() && text.size() <= size_max &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

bool set_quality(EncodeOptions& options, std::string_view text) {
    const auto quality = whole_number(text);
    options.quality = quality && *quality <= 100 ? static_cast<int>(*quality) : 0;
    return options.quality >= 1;
}

bool set_audio(EncodeOptions& options, std::string_view text) {
    options.audio.reset();
    if (text == "aac") {
        options.audio = media::Codec::aac;
    } else if (text == "opus") {
        options.audio = media::Codec::opus;
    }
    return options.audio || text == "none";
}

}   // namespace

std::vector<OptionKey> encode_keys(EncodeOptions& options) {
    const auto key = [&options](std::string name, std::string wanted,
                                bool (*set)(EncodeOptions&, std::string_view)) {
        return OptionKey{std::move(name), std::move(wanted),
                         [&options, set](std::string_view text) { return set(options, text); }};
    };
    return {
        key("codec", "h264, h265, av1, mjpeg or copy", set_codec),
        key("bitrate", "50k to 100M", set_bitrate),
        key("gop", "a duration from 100ms to 10s", set_gop),
        key("audio", "aac, opus or none", set_audio),
        key("preset", "ultrafast, superfast, veryfast, faster, fast, medium, slow, slower or veryslow",
            [](EncodeOptions& options, std::string_view text) {
                options.preset = text;
                return std::ranges::find(presets, text) != presets.end();
            }),
        key("bframes", "0 to 4", set_b_frames),
        key("encoder", "hardware, or one of FFmpeg's encoders such as libx264 or h264_nvenc", set_encoder),
        key("quality", "1 to 100", set_quality),
    };
}

}   // namespace millrace::capture
