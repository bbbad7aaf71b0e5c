#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::capture {

/// A colour in Y'CbCr, limited range.
struct Colour {
    std::uint8_t y = 16;
    std::uint8_t cb = 128;
    std::uint8_t cr = 128;
};
inline constexpr Colour black{16, 128, 128};
inline constexpr Colour white{235, 128, 128};

/// A rectangle, in luma samples from the upper left corner.
struct Box {
    std::uint32_t x = 0;
    std::uint32_t y = 0;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
};

/// A picture in I420 that is drawn upon: a plane of luma and two of chroma, each without padding. Width and
/// height are even.
class Canvas {
public:
    Canvas(std::uint32_t width, std::uint32_t height)
        : width_{width}, height_{height}, planes_{Plane(area()), Plane(area() / 4), Plane(area() / 4)} {}

    std::uint32_t width() const { return width_; }
    std::uint32_t height() const { return height_; }
    std::span<const std::uint8_t> plane(unsigned number) const { return planes_[number]; }

    std::span<std::uint8_t> luma_row(std::uint32_t y) {
        return std::span{planes_[0]}.subspan(std::size_t{y} * width_, width_);
    }
    /// Cb is 1, Cr is 2; rows are half as many and half as long.
    std::span<std::uint8_t> chroma_row(unsigned number, std::uint32_t y) {
        return std::span{planes_[number]}.subspan(std::size_t{y} * (width_ / 2), width_ / 2);
    }

    /// Fills a rectangle; what lies outside the picture is left out. Chroma follows at even places.
    void fill(Box box, Colour colour);

private:
    using Plane = std::vector<std::uint8_t>;
    std::size_t area() const { return std::size_t{width_} * height_; }

    std::uint32_t width_;
    std::uint32_t height_;
    Plane planes_[3];
};

}   // namespace millrace::capture
