#pragma once

#include "capture/picture_size.hpp"
#include "capture/source.hpp"

#include <cstdint>
#include <string_view>

namespace millrace::capture {

/// The largest picture that is decoded, in samples a side. Larger ones are refused before memory is taken.
inline constexpr std::uint32_t decoded_side_max = 4096;

/// How pictures are to be made: "jpeg:?width=640&height=360&fps=10&quality=80".
struct PictureOptions {
    static constexpr std::uint32_t side_min = 16;
    static constexpr std::uint32_t side_max = decoded_side_max;
    static constexpr std::uint32_t frame_rate_max = 120;

    std::uint32_t width = 0;    ///< 0: as the source, or as `height` asks
    std::uint32_t height = 0;   ///< 0: as the source, or as `width` asks
    std::uint32_t fps = 0;      ///< at most so many a second; 0: all
    int quality = 80;           ///< 1 to 100, as JPEG libraries count
};

/// The size that a picture of the source gets: never above the source's own, and even where it is another.
PictureSize size_for(PictureSize source, const PictureOptions& options);

/// The query behind "jpeg:" or "stills:", empty or from its '?' on. Strict: an unknown key or value is a
/// lasting Fault that names it. 0 stands for what is not asked.
Outcome<PictureOptions> parse_picture_options(std::string_view query);

}   // namespace millrace::capture
