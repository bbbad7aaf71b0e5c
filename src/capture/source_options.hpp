#pragma once

#include "capture/encode_options.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::capture {

inline constexpr std::int64_t captured_rate_max = 120;

/// "test:?size=1280x720&fps=30&results" and what EncodeOptions has
struct CameraOptions : EncodeOptions {
    static constexpr std::uint32_t width_min = 256;   ///< the stamp's width
    static constexpr std::uint32_t height_min = 144;
    static constexpr std::uint32_t side_max = 4096;

    std::uint32_t width = 1280;
    std::uint32_t height = 720;
    FrameRate frame_rate;
    bool results = false;   ///< with each picture the place of its ball
};

/// A device of libavdevice by its own name for it: "video4linux2", "x11grab", "alsa", "pulse".
struct DeviceName {
    std::string driver;
    std::string device;

    bool operator==(const DeviceName&) const = default;
};

/// "v4l2:/dev/video0?size=640x480&fps=30&format=mjpeg", "screen::0.0?region=640x480+10,20", "alsa:default",
/// "pulse:default", and what EncodeOptions has; `audio=alsa:default` adds a microphone to pictures.
struct DeviceOptions : EncodeOptions {
    std::optional<DeviceName> camera;
    std::optional<DeviceName> microphone;
    PictureSize size;                ///< 0: as the device has it
    std::optional<FrameRate> rate;   ///< nothing: as the device has it
    std::string format;              ///< of a camera's pictures; empty: as it likes
    PictureSize region;              ///< of a screen; 0: all of it
    std::uint32_t left = 0;          ///< where it begins
    std::uint32_t top = 0;
};

/// The layouts of raw pictures.
enum class PixelFormat : std::uint8_t { yuv420p, bgr24, rgb24 };

/// "raw:-?size=640x360&fps=30&format=bgr24": pictures on stdin, one after the other without any head, and
/// what EncodeOptions has. Their pace is the writer's; `fps` is what to expect.
struct RawOptions : EncodeOptions {
    PictureSize size;   ///< must be said
    FrameRate rate;
    PixelFormat format = PixelFormat::bgr24;
};

/// "file:movie.mp4?loop"; with any of EncodeOptions' keys its pictures are encoded again.
struct FileOptions {
    std::string path;
    bool loop = false;
    std::optional<EncodeOptions> encode{};
};

/// "images:1.jpg,2.jpg,3.jpg?fps=1"
struct ImagesOptions {
    static constexpr std::size_t images_max = 256;
    static constexpr std::int64_t frame_rate_max = 60;

    std::vector<std::string> paths;   ///< one at least
    FrameRate frame_rate{1, 1};
};

/// "exec:PROGRAM ARGUMENT…?format=ts|flv|mp4|mjpeg|raw": what a program writes to its stdout. A space, '?'
/// or '%' inside of a word is %20, %3F, %25. `raw` has what RawOptions has, with `pixels` for its format;
/// others are passed on as they come, but where `codec` says another.
struct ExecOptions {
    static constexpr std::size_t words_max = 128;

    std::vector<std::string> words;   ///< the program first
    std::string format = "ts";
    std::optional<EncodeOptions> encode;
    RawOptions raw;
};

using SourceOptions =
    std::variant<CameraOptions, DeviceOptions, RawOptions, FileOptions, ImagesOptions, ExecOptions>;

/// Strict: an unknown word, key or value is a lasting Fault that names it and says what would be right.
Outcome<SourceOptions> parse_source(std::string_view text);

}   // namespace millrace::capture
