#pragma once

#include "capture/source.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::capture {

/// Frames a second as a fraction: 30/1, 30000/1001.
struct FrameRate {
    std::int64_t frames = 30;
    std::int64_t seconds = 1;

    bool operator==(const FrameRate&) const = default;
    double value() const { return static_cast<double>(frames) / static_cast<double>(seconds); }
    /// When frame `number` is due, counted from frame 0.
    Duration at(std::int64_t number) const;
    /// How many frames are due up to and with this moment, at least 0.
    std::int64_t due_by(Duration since_first) const;
};

/// "test:?size=1280x720&fps=30&codec=h264|h265&bitrate=2M&gop=1s&audio=aac|none&preset=superfast"
struct CameraOptions {
    static constexpr std::uint32_t width_min = 256;   ///< the stamp's width
    static constexpr std::uint32_t height_min = 144;
    static constexpr std::uint32_t side_max = 4096;
    static constexpr std::int64_t frame_rate_max = 120;
    static constexpr std::uint64_t bitrate_min = 50'000;
    static constexpr std::uint64_t bitrate_max = 100'000'000;

    std::uint32_t width = 1280;
    std::uint32_t height = 720;
    FrameRate frame_rate;
    media::Codec codec = media::Codec::h264;
    std::uint64_t bitrate = 2'000'000;   ///< bits a second
    Duration gop = 1s;
    bool audio = true;
    std::string preset;   ///< empty: superfast for H.264, ultrafast for H.265
};

/// "file:movie.mp4?loop"
struct FileOptions {
    std::string path;
    bool loop = false;
};

/// "images:1.jpg,2.jpg,3.jpg?fps=1"
struct ImagesOptions {
    static constexpr std::size_t images_max = 256;
    static constexpr std::int64_t frame_rate_max = 60;

    std::vector<std::string> paths;   ///< one at least
    FrameRate frame_rate{1, 1};
};

using SourceOptions = std::variant<CameraOptions, FileOptions, ImagesOptions>;

/// Strict: an unknown word, key or value is a lasting Fault that names it and says what would be right.
Outcome<SourceOptions> parse_source(std::string_view text);

}   // namespace millrace::capture
