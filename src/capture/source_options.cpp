#include "capture/source_options.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::capture {

namespace {

constexpr PictureSize smallest{16, 16};
constexpr std::string_view rate_wanted = "1 to 120, or a fraction such as 30000/1001";

/// A text before its last '?', and behind it.
struct Parts {
    std::string_view name;
    std::string_view query;
};
Parts split(std::string_view text) {
    const std::size_t mark = std::min(text.rfind('?'), text.size());
    return {text.substr(0, mark), text.substr(std::min(mark + 1, text.size()))};
}

bool is_path(std::string_view text) {
    return !text.empty() && text.find('\0') == std::string_view::npos;
}

OptionKey rate_key(FrameRate& rate) {
    return {"fps", std::string{rate_wanted}, [&rate](std::string_view text) {
                const std::optional<FrameRate> read = frame_rate_of(text, captured_rate_max);
                rate = read.value_or(rate);
                return read.has_value();
            }};
}

OptionKey size_key(PictureSize& size, PictureSize least) {
    return {"size",
            fmt::format("WIDTHxHEIGHT, even, from {}x{} to {}x{}", least.width, least.height,
                        CameraOptions::side_max, CameraOptions::side_max),
            [&size, least](std::string_view text) {
                const std::optional<PictureSize> read = size_of(text, least, CameraOptions::side_max);
                size = read.value_or(size);
                return read.has_value();
            }};
}

std::vector<OptionKey> joined(std::vector<OptionKey> keys, std::vector<OptionKey> more) {
    std::ranges::move(more, std::back_inserter(keys));
    return keys;
}

Outcome<SourceOptions> parse_camera(std::string_view query) {
    CameraOptions options;
    PictureSize size{options.width, options.height};
    const auto keys = joined({size_key(size, {CameraOptions::width_min, CameraOptions::height_min}),
                              rate_key(options.frame_rate),
                              {"results", "no value",
                               [&options](std::string_view text) {
                                   options.results = true;
                                   return text.empty();
                               }}},
                             encode_keys(options));
    const Outcome<void> read = read_options("test", query, keys);
    if (!read) {
        return std::unexpected(read.error());
    }
    options.width = size.width;
    options.height = size.height;
    return options;
}

std::optional<DeviceName> microphone_of(std::string_view text) {
    for (const std::string_view driver : {"alsa", "pulse"}) {
        if (text.starts_with(driver) && text.substr(driver.size()).starts_with(':')) {
            const std::string_view device = text.substr(driver.size() + 1);
            return DeviceName{std::string{driver}, std::string{device.empty() ? "default" : device}};
        }
    }
    return std::nullopt;
}

/// "640x480+10,20"
bool set_region(DeviceOptions& options, std::string_view text) {
    const std::size_t plus = std::min(text.find('+'), text.size());
    const std::optional<PictureSize> region =
        size_of(text.substr(0, plus), smallest, CameraOptions::side_max);
    const std::string_view corner = text.substr(std::min(plus + 1, text.size()));
    const std::size_t comma = std::min(corner.find(','), corner.size());
    const auto x = whole_number(corner.substr(0, comma));
    const auto y = whole_number(corner.substr(std::min(comma + 1, corner.size())));
    if (!region || (plus < text.size() && (!x || !y))) {
        return false;
    }
    options.region = *region;
    options.left = x.value_or(0);
    options.top = y.value_or(0);
    return true;
}

std::vector<OptionKey> picture_keys(DeviceOptions& options, std::string_view kind) {
    std::vector<OptionKey> keys{size_key(options.size, smallest),
                                {"fps", std::string{rate_wanted}, [&options](std::string_view text) {
                                     options.rate = frame_rate_of(text, captured_rate_max);
                                     return options.rate.has_value();
                                 }}};
    if (kind == "screen") {
        keys.push_back({"region", "WIDTHxHEIGHT, or WIDTHxHEIGHT+LEFT,TOP",
                        [&options](std::string_view text) { return set_region(options, text); }});
    } else {
        keys.push_back(
            {"format", "a name such as mjpeg, yuyv422, nv12 or h264", [&options](std::string_view text) {
                 options.format = text;
                 return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
                                             std::string_view::npos;
             }});
    }
    return keys;
}

Outcome<SourceOptions> parse_device(std::string_view kind, std::string_view text) {
    const auto [name, query] = split(text);
    DeviceOptions options;
    options.microphone = microphone_of(fmt::format("{}:{}", kind, name));
    std::vector<OptionKey> keys = encode_keys(options);
    if (options.microphone) {
        std::erase_if(keys, [](const OptionKey& key) { return key.name != "audio"; });
    } else {
        options.camera = DeviceName{kind == "screen" ? "x11grab" : "video4linux2", std::string{name}};
        options.audio.reset();
        keys = joined(picture_keys(options, kind), std::move(keys));
        // Which microphone, and how it is coded, are two words of the same key.
        OptionKey& audio = *std::ranges::find(keys, "audio", &OptionKey::name);
        audio.wanted = "alsa:DEVICE, pulse:DEVICE, aac, opus or none";
        audio.set = [&options, codec = std::move(audio.set)](std::string_view value) {
            const std::optional<DeviceName> microphone = microphone_of(value);
            options.microphone = microphone ? microphone : options.microphone;
            options.audio = microphone ? options.audio.value_or(media::Codec::aac) : options.audio;
            return microphone || codec(value);
        };
    }
    const Outcome<void> read = read_options(kind, query, keys);
    if (!read) {
        return std::unexpected(read.error());
    }
    if (options.microphone && !options.audio) {
        options.audio = options.camera ? options.audio : media::Codec::aac;
    }
    const bool unnamed = options.camera && options.camera->device.empty() && kind != "screen";
    if (unnamed || name.find('\0') != std::string_view::npos) {
        return refuse("v4l2: wants a device behind the colon, such as v4l2:/dev/video0");
    }
    return options;
}

OptionKey pixels_key(RawOptions& options, std::string name) {
    return {std::move(name), "bgr24, rgb24 or yuv420p", [&options](std::string_view text) {
                constexpr std::array<std::string_view, 3> names{"yuv420p", "bgr24", "rgb24"};
                const auto found = std::ranges::find(names, text);
                options.format = static_cast<PixelFormat>(found - names.begin());
                return found != names.end();
            }};
}

Outcome<SourceOptions> parse_raw(std::string_view text) {
    const auto [name, query] = split(text);
    RawOptions options;
    options.audio.reset();
    std::vector<OptionKey> keys = encode_keys(options);
    std::erase_if(keys, [](const OptionKey& key) { return key.name == "audio"; });
    keys = joined({size_key(options.size, smallest), rate_key(options.rate), pixels_key(options, "format")},
                  std::move(keys));
    const Outcome<void> read = read_options("raw", query, keys);
    if (!read) {
        return std::unexpected(read.error());
    }
    if (name != "-" || options.size == PictureSize{}) {
        return refuse("raw: wants raw:-?size=WIDTHxHEIGHT&fps=30&format=bgr24, rgb24 or yuv420p");
    }
    return options;
}

/// Encodes what would be passed on as it is, once one of the keys is there.
std::vector<OptionKey> keys_of_another_coding(std::optional<EncodeOptions>& encode, EncodeOptions& options) {
    std::vector<OptionKey> keys = encode_keys(options);
    for (OptionKey& key : keys) {
        key.set = [&encode, &options, set = std::move(key.set)](std::string_view text) {
            const bool taken = set(text);
            encode = options.copy ? std::nullopt : std::optional{options};
            return taken;
        };
    }
    return keys;
}

Outcome<SourceOptions> parse_file(std::string_view text) {
    const auto [name, query] = split(text);
    FileOptions options{std::string{name}};
    EncodeOptions encode;
    const auto keys = joined({{"loop", "nothing behind it",
                               [&options](std::string_view value) {
                                   options.loop = true;
                                   return value.empty();
                               }}},
                             keys_of_another_coding(options.encode, encode));
    const Outcome<void> read = read_options("file", query, keys);
    if (!read) {
        return std::unexpected(read.error());
    }
    if (!is_path(options.path)) {
        return refuse("file: wants a path behind the colon, such as file:movie.mp4?loop");
    }
    return options;
}

Outcome<SourceOptions> parse_images(std::string_view text) {
    const auto [paths, query] = split(text);
    ImagesOptions options;
    const std::array keys{
        OptionKey{"fps", "1 to 60, or a fraction such as 3/2", [&options](std::string_view value) {
                      const auto rate = frame_rate_of(value, ImagesOptions::frame_rate_max);
                      options.frame_rate = rate.value_or(options.frame_rate);
                      return rate.has_value();
                  }}};
    const Outcome<void> read = read_options("images", query, keys);
    if (!read) {
        return std::unexpected(read.error());
    }
    std::string_view names = paths;
    do {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(name.size() + 1, names.size()));
        if (!is_path(name)) {
            return refuse("images: wants files behind the colon, such as images:1.jpg,2.jpg?fps=1");
        }
        options.paths.emplace_back(name);
    } while (!names.empty() && options.paths.size() <= ImagesOptions::images_max);
    if (options.paths.size() > ImagesOptions::images_max) {
        return refuse(fmt::format("images: more than {} files are a video", ImagesOptions::images_max));
    }
    return options;
}

/// A word with %20 and the like resolved; nothing where that is cut or names a zero byte.
std::optional<std::string> word_of(std::string_view text) {
    std::string word;
    while (!text.empty()) {
        if (text.front() != '%') {
            word += text.front();
            text.remove_prefix(1);
            continue;
        }
        unsigned code = 0;
        const std::string_view digits = text.substr(1, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (error != std::errc{} || end != digits.data() + 2 || code == 0) {
            return std::nullopt;
        }
        word += static_cast<char>(code);
        text.remove_prefix(3);
    }
    return word.find('\0') == std::string::npos ? std::optional{word} : std::nullopt;
}

Outcome<SourceOptions> parse_exec(std::string_view text) {
    const auto [program, query] = split(text);
    ExecOptions options;
    EncodeOptions encode;
    encode.audio.reset();
    const auto keys =
        joined({{"format", "ts, flv, mp4, mjpeg or raw",
                 [&options](std::string_view value) {
                     constexpr std::array<std::string_view, 5> formats{"ts", "flv", "mp4", "mjpeg", "raw"};
                     options.format = value;
                     return std::ranges::find(formats, value) != formats.end();
                 }},
                size_key(options.raw.size, smallest),
                rate_key(options.raw.rate),
                pixels_key(options.raw, "pixels")},
               keys_of_another_coding(options.encode, encode));
    const Outcome<void> read = read_options("exec", query, keys);
    if (!read) {
        return std::unexpected(read.error());
    }
    for (std::string_view rest = program; !rest.empty();) {
        const std::string_view one = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        const std::optional<std::string> word = word_of(one);
        if (!word || options.words.size() == ExecOptions::words_max) {
            return refuse("exec: has a word that cannot be read, or too many");
        }
        if (!one.empty()) {
            options.words.push_back(*word);
        }
    }
    if (options.words.empty()) {
        return refuse("exec: wants a program behind the colon, such as exec:/opt/camera --fps 30?format=ts");
    }
    if (options.format == "raw" && options.raw.size == PictureSize{}) {
        return refuse("exec: format=raw wants size=WIDTHxHEIGHT");
    }
    static_cast<EncodeOptions&>(options.raw) = encode;
    return options;
}

}   // namespace

Outcome<SourceOptions> parse_source(std::string_view text) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view kind = text.substr(0, colon);
    const std::string_view rest = text.substr(std::min(colon + 1, text.size()));
    if (colon == text.size()) {
        return refuse(fmt::format("'{}' is no source", shown(text)));
    }
    if (kind == "file") {
        return parse_file(rest);
    }
    if (kind == "images") {
        return parse_images(rest);
    }
    if (kind == "v4l2" || kind == "screen" || kind == "alsa" || kind == "pulse") {
        return parse_device(kind, rest);
    }
    if (kind == "raw") {
        return parse_raw(rest);
    }
    if (kind == "exec") {
        return parse_exec(rest);
    }
    if (kind == "test" && (rest.empty() || rest.starts_with('?'))) {
        return parse_camera(rest.substr(std::min<std::size_t>(1, rest.size())));
    }
    return refuse(
        fmt::format("'{}' is no source that this node has; it has test:, file:, images:, v4l2:, screen:, "
                    "alsa:, pulse:, raw: and exec:",
                    shown(text)));
}

}   // namespace millrace::capture
