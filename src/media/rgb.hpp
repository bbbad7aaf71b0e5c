#pragma once

#include "base/picture_ring.hpp"

#include <cstddef>
#include <span>

namespace millrace::media {

/// The order of the three bytes of a pixel.
enum class RgbOrder : std::uint8_t { rgb, bgr };

/// Bytes of a picture in 24 bits a pixel, rows without gaps.
constexpr std::size_t rgb_size(picture_ring::Layout layout) {
    return layout.luma_size() * 3;
}

/// What a picture in 4:2:0 is to be made of.
struct RgbWish {
    picture_ring::Layout layout;
    picture_ring::Colours colours;
    RgbOrder order = RgbOrder::rgb;
};

/// Writes the picture as red, green and blue of 8 bits, at most one step off the exact values (ITU-T H.273
/// §8.3); four pixels share their chroma. `out` holds rgb_size.
void to_rgb(const picture_ring::Planes& from, const RgbWish& wish, std::span<std::byte> out);

}   // namespace millrace::media
