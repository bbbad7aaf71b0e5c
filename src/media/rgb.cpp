#include "media/rgb.hpp"

#include <algorithm>

namespace millrace::media {

namespace {

constexpr int fraction_bits = 16;

/// The matrix in fixed point: what a step of luma or chroma is worth.
struct Steps {
    int luma = 0;
    int luma_zero = 0;
    int red_cr = 0;
    int green_cb = 0;
    int green_cr = 0;
    int blue_cb = 0;
};

constexpr int fixed(double value) {
    return static_cast<int>(value * (1 << fraction_bits) + (value < 0 ? -0.5 : 0.5));
}

/// From the weights of red and blue in luma (ITU-T H.273 table 4) and the range.
constexpr Steps steps_of(double red, double blue, bool full_range) {
    const double green = 1 - red - blue;
    const double luma = full_range ? 1 : 255.0 / 219;
    const double chroma = full_range ? 1 : 255.0 / 224;
    return {.luma = fixed(luma),
            .luma_zero = full_range ? 0 : 16,
            .red_cr = fixed(2 * (1 - red) * chroma),
            .green_cb = fixed(-2 * (1 - blue) * blue / green * chroma),
            .green_cr = fixed(-2 * (1 - red) * red / green * chroma),
            .blue_cb = fixed(2 * (1 - blue) * chroma)};
}

Steps steps_of(picture_ring::Colours colours) {
    using Matrix = picture_ring::Colours::Matrix;
    switch (colours.matrix) {
        case Matrix::bt709: return steps_of(0.2126, 0.0722, colours.full_range);
        case Matrix::bt2020: return steps_of(0.2627, 0.0593, colours.full_range);
        case Matrix::bt601: break;
    }
    return steps_of(0.299, 0.114, colours.full_range);
}

std::byte clipped(int value) {
    return static_cast<std::byte>(std::clamp(value >> fraction_bits, 0, 255));
}

}   // namespace

void to_rgb(const picture_ring::Planes& from, const RgbWish& wish, std::span<std::byte> out) {
    const Steps steps = steps_of(wish.colours);
    const std::uint32_t width = wish.layout.width;
    const std::size_t first = wish.order == RgbOrder::rgb ? 0 : 2;
    constexpr int half = 1 << (fraction_bits - 1);
    std::byte* pixel = out.data();
    for (std::uint32_t row = 0; row < wish.layout.height; ++row) {
        const std::byte* const luma = from.y.data() + std::size_t{row} * width;
        const std::size_t chroma_row = std::size_t{row / 2} * wish.layout.chroma_width();
        const std::byte* const cb = from.u.data() + chroma_row;
        const std::byte* const cr = from.v.data() + chroma_row;
        for (std::uint32_t column = 0; column < width; ++column, pixel += 3) {
            const int y = (std::to_integer<int>(luma[column]) - steps.luma_zero) * steps.luma + half;
            const int u = std::to_integer<int>(cb[column / 2]) - 128;
            const int v = std::to_integer<int>(cr[column / 2]) - 128;
            pixel[first] = clipped(y + steps.red_cr * v);
            pixel[1] = clipped(y + steps.green_cb * u + steps.green_cr * v);
            pixel[2 - first] = clipped(y + steps.blue_cb * u);
        }
    }
}

}   // namespace millrace::media
