#include "media/rgb.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace millrace::media {
namespace {

using picture_ring::Colours;
using Matrix = Colours::Matrix;

/// A picture of one colour, and its last pixel.
std::array<int, 3> made_of(std::array<int, 3> yuv, RgbWish wish) {
    std::vector<std::byte> picture(wish.layout.luma_size(), static_cast<std::byte>(yuv[0]));
    picture.insert(picture.end(), wish.layout.chroma_size(), static_cast<std::byte>(yuv[1]));
    picture.insert(picture.end(), wish.layout.chroma_size(), static_cast<std::byte>(yuv[2]));
    std::vector<std::byte> out(rgb_size(wish.layout));
    to_rgb({picture, wish.layout}, wish, out);
    const std::size_t last = out.size() - 3;
    return {std::to_integer<int>(out[last]), std::to_integer<int>(out[last + 1]),
            std::to_integer<int>(out[last + 2])};
}

}   // namespace

TEST(Rgb, has_the_colours_that_the_matrix_and_the_range_say) {
    struct Case {
        std::array<int, 3> yuv;
        Colours colours;
        std::array<int, 3> rgb;
    };
    const std::array cases{
        Case{{16, 128, 128}, {Matrix::bt601, false}, {0, 0, 0}},
        Case{{235, 128, 128}, {Matrix::bt709, false}, {255, 255, 255}},
        Case{{255, 128, 128}, {Matrix::bt601, true}, {255, 255, 255}},
        Case{{81, 90, 240}, {Matrix::bt601, false}, {255, 0, 0}},   // the bars of the standards
        Case{{63, 102, 240}, {Matrix::bt709, false}, {255, 0, 0}},
        Case{{76, 85, 255}, {Matrix::bt601, true}, {254, 0, 0}},
        Case{{41, 240, 110}, {Matrix::bt601, false}, {0, 0, 255}},
        Case{{173, 42, 26}, {Matrix::bt709, false}, {0, 255, 0}},
    };
    for (const Case& one : cases) {
        const auto rgb = made_of(one.yuv, {{7, 5}, one.colours, RgbOrder::rgb});
        const auto bgr = made_of(one.yuv, {{7, 5}, one.colours, RgbOrder::bgr});
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_NEAR(rgb[i], one.rgb[i], 2) << one.yuv[0] << " channel " << i;
            EXPECT_EQ(rgb[i], bgr[2 - i]);
        }
    }
}

}   // namespace millrace::media
