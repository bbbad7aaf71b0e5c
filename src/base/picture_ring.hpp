#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>

/// Memory through which a child process hands decoded pictures to its server: slots of one size, each with
/// one picture in 4:2:0. The child writes, the server reads; who holds a slot is said on their link.
namespace millrace::picture_ring {

/// One that is shown, one that is next, two for a decoder that gives several at once.
inline constexpr std::size_t slots = 4;
/// The largest picture, in samples a side.
inline constexpr std::uint32_t side_max = 4096;
inline constexpr std::size_t slot_size = std::size_t{side_max} * side_max * 3 / 2;
/// Of all slots. The kernel gives a page of it when it is first written.
inline constexpr std::size_t size = slots * slot_size;

/// How a picture lies in a slot: Y, U and V behind each other, rows without gaps, 8 bits a sample. U and V
/// have half the width and height, rounded up.
struct Layout {
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    constexpr std::uint32_t chroma_width() const { return (width + 1) / 2; }
    constexpr std::uint32_t chroma_height() const { return (height + 1) / 2; }
    constexpr std::size_t luma_size() const { return std::size_t{width} * height; }
    constexpr std::size_t chroma_size() const { return std::size_t{chroma_width()} * chroma_height(); }
    constexpr std::size_t size() const { return luma_size() + 2 * chroma_size(); }
    constexpr bool fits() const { return width > 0 && height > 0 && width <= side_max && height <= side_max; }
    bool operator==(const Layout&) const = default;
};

/// How the samples of a picture become colours.
struct Colours {
    /// Of the matrix coefficients of ITU-T H.273 those that there are; where a stream says none, the decoder
    /// guesses as players do.
    enum class Matrix : std::uint8_t { bt601, bt709, bt2020 };
    Matrix matrix = Matrix::bt601;
    bool full_range = false;   ///< 0 to 255; otherwise 16 to 235, chroma to 240
    bool operator==(const Colours&) const = default;
};

/// The planes of a picture that fits.
struct Planes {
    Planes(ByteSpan slot, Layout layout)
        : y{slot.first(layout.luma_size())},
          u{slot.subspan(layout.luma_size(), layout.chroma_size())},
          v{slot.subspan(layout.luma_size() + layout.chroma_size(), layout.chroma_size())} {}

    ByteSpan y;
    ByteSpan u;
    ByteSpan v;
};

}   // namespace millrace::picture_ring
