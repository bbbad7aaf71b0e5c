#include "capture/source_options.hpp"

#include "media/time.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
constexpr std::size_t shown_max = 64;
constexpr std::array<std::string_view, 9> presets{"ultrafast", "superfast", "veryfast", "faster",  "fast",
                                                  "medium",    "slow",      "slower",   "veryslow"};

/// Text from outside as it may stand in a log line.
std::string shown(std::string_view text) {
    std::string out{text.substr(0, shown_max)};
    std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

std::unexpected<Fault> refuse(std::string words) {
    return std::unexpected(Fault{std::move(words), true});
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// A number before one of the units; the number times what the unit means.
struct Unit {
    std::string_view name;
    double factor;
};
std::optional<double> with_unit(std::string_view text, std::span<const Unit> units) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
    const std::optional<double> value = number<double>(text.substr(0, digits));
    if (unit == units.end() || !value) {
        return std::nullopt;
    }
    return *value * unit->factor;
}

bool set_size(CameraOptions& options, std::string_view text) {
    const std::size_t x = text.find('x');
    const auto width = number<std::uint32_t>(text.substr(0, x));
    const auto height =
        x == std::string_view::npos ? std::nullopt : number<std::uint32_t>(text.substr(x + 1));
    const auto in = [](std::optional<std::uint32_t> side, std::uint32_t least) {
        return side && *side >= least && *side <= CameraOptions::side_max && *side % 2 == 0;
    };
    if (!in(width, CameraOptions::width_min) || !in(height, CameraOptions::height_min)) {
        return false;
    }
    options.width = *width;
    options.height = *height;
    return true;
}

/// At least one frame a second, and at most so many.
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

bool set_frame_rate(CameraOptions& options, std::string_view text) {
    const std::optional<FrameRate> rate = frame_rate_of(text, CameraOptions::frame_rate_max);
    options.frame_rate = rate.value_or(options.frame_rate);
    return rate.has_value();
}

bool set_codec(CameraOptions& options, std::string_view text) {
    options.codec = text == "h265" ? media::Codec::h265 : media::Codec::h264;
    return text == "h264" || text == "h265";
}

bool set_bitrate(CameraOptions& options, std::string_view text) {
    constexpr std::array units{Unit{"", 1}, Unit{"k", 1e3}, Unit{"M", 1e6}};
    const std::optional<double> bits = with_unit(text, units);
    if (!bits || *bits < CameraOptions::bitrate_min || *bits > CameraOptions::bitrate_max) {
        return false;
    }
    options.bitrate = static_cast<std::uint64_t>(*bits);
    return true;
}

bool set_gop(CameraOptions& options, std::string_view text) {
    constexpr std::array units{Unit{"s", 1}, Unit{"ms", 1e-3}};
    const std::optional<double> seconds = with_unit(text, units);
    if (!seconds || *seconds < 0.1 || *seconds > 10) {
        return false;
    }
    options.gop = Duration{static_cast<std::int64_t>(*seconds * nanoseconds_a_second)};
    return true;
}

bool set_audio(CameraOptions& options, std::string_view text) {
    options.audio = text == "aac";
    return text == "aac" || text == "none";
}

bool set_preset(CameraOptions& options, std::string_view text) {
    options.preset = text;
    return std::ranges::find(presets, text) != presets.end();
}

struct Key {
    std::string_view name;
    std::string_view wanted;
    bool (*set)(CameraOptions& options, std::string_view text);
};
constexpr std::array keys{
    Key{"size", "WIDTHxHEIGHT, even, from 256x144 to 4096x4096", set_size},
    Key{"fps", "1 to 120, or a fraction such as 30000/1001", set_frame_rate},
    Key{"codec", "h264 or h265", set_codec},
    Key{"bitrate", "50k to 100M", set_bitrate},
    Key{"gop", "a duration from 100ms to 10s", set_gop},
    Key{"audio", "aac or none", set_audio},
    Key{"preset", "ultrafast, superfast, veryfast, faster, fast, medium, slow, slower or veryslow",
        set_preset},
};

Outcome<SourceOptions> parse_camera(std::string_view query) {
    CameraOptions options;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
        const auto key = std::ranges::find(keys, pair.substr(0, equals), &Key::name);
        if (key == keys.end()) {
            return refuse(
                fmt::format("test: has no option '{}'; it has size, fps, codec, bitrate, gop, audio and "
                            "preset",
                            shown(pair.substr(0, equals))));
        }
        if (!key->set(options, value)) {
            return refuse(fmt::format("test: {}='{}': wanted is {}", key->name, shown(value), key->wanted));
        }
    }
    return options;
}

Outcome<SourceOptions> parse_file(std::string_view text) {
    const std::size_t mark = std::min(text.rfind('?'), text.size());
    const std::string_view option = text.substr(std::min(mark + 1, text.size()));
    if (!option.empty() && option != "loop") {
        return refuse(fmt::format("file: has no option '{}'; it has loop", shown(option)));
    }
    FileOptions options{std::string{text.substr(0, mark)}, option == "loop"};
    if (options.path.empty() || options.path.find('\0') != std::string::npos) {
        return refuse("file: wants a path behind the colon, such as file:movie.mp4?loop");
    }
    return options;
}

Outcome<SourceOptions> parse_images(std::string_view text) {
    constexpr std::string_view key = "fps=";
    const std::size_t mark = std::min(text.rfind('?'), text.size());
    const std::string_view option = text.substr(std::min(mark + 1, text.size()));
    ImagesOptions options;
    if (!option.empty()) {
        if (!option.starts_with(key)) {
            return refuse(fmt::format("images: has no option '{}'; it has fps", shown(option)));
        }
        const std::string_view value = option.substr(key.size());
        const std::optional<FrameRate> rate = frame_rate_of(value, ImagesOptions::frame_rate_max);
        if (!rate) {
            return refuse(
                fmt::format("images: fps='{}': wanted is 1 to 60, or a fraction such as 3/2", shown(value)));
        }
        options.frame_rate = *rate;
    }
    std::string_view names = text.substr(0, mark);
    do {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(name.size() + 1, names.size()));
        if (name.empty() || name.find('\0') != std::string_view::npos) {
            return refuse("images: wants files behind the colon, such as images:1.jpg,2.jpg?fps=1");
        }
        options.paths.emplace_back(name);
    } while (!names.empty() && options.paths.size() <= ImagesOptions::images_max);
    if (options.paths.size() > ImagesOptions::images_max) {
        return refuse(fmt::format("images: more than {} files are a video", ImagesOptions::images_max));
    }
    return options;
}

}   // namespace

Duration FrameRate::at(std::int64_t number) const {
    return Duration{media::rescale(number * seconds, frames, nanoseconds_a_second)};
}

std::int64_t FrameRate::due_by(Duration since_first) const {
    if (since_first < Duration{0}) {
        return 0;
    }
    // at() rounds down, so a frame is due up to a nanosecond before its true moment. Rounded up here.
    return -media::rescale(-(since_first.count() + 1), nanoseconds_a_second * seconds, frames);
}

Outcome<SourceOptions> parse_source(std::string_view text) {
    constexpr std::string_view camera = "test:";
    constexpr std::string_view file = "file:";
    if (text.starts_with(file)) {
        return parse_file(text.substr(file.size()));
    }
    constexpr std::string_view images = "images:";
    if (text.starts_with(images)) {
        return parse_images(text.substr(images.size()));
    }
    const std::string_view rest = text.substr(std::min(camera.size(), text.size()));
    if (text.starts_with(camera) && (rest.empty() || rest.starts_with('?'))) {
        return parse_camera(rest.substr(std::min<std::size_t>(1, rest.size())));
    }
    return refuse(
        fmt::format("'{}' is no source that this node has; it has test:, file: and images:", shown(text)));
}

}   // namespace millrace::capture
