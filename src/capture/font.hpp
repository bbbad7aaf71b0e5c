#pragma once

#include "capture/canvas.hpp"

#include <string_view>

namespace millrace::capture {

/// A font of our own: capitals, digits and - . : / in a cell of 6×8 samples, times a whole scale.
inline constexpr std::uint32_t glyph_width = 6;
inline constexpr std::uint32_t glyph_height = 8;

/// Where a line of text begins, and how large it is.
struct TextPlace {
    std::uint32_t x = 0;
    std::uint32_t y = 0;
    std::uint32_t scale = 1;
};

/// Writes white on black; characters without a glyph are left blank.
void write(Canvas& canvas, TextPlace place, std::string_view text);

}   // namespace millrace::capture
