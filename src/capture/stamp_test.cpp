#include "capture/stamp.hpp"

#include "capture/font.hpp"
#include "capture/test_picture.hpp"

#include <gtest/gtest.h>

namespace millrace::capture {

TEST(Stamp, reads_back_what_was_drawn) {
    for (const std::uint32_t width : {256U, 510U, 512U, 640U, 1280U}) {
        for (const Stamp stamp :
             {Stamp{0, 0}, Stamp{1, 1'763'646'000'123}, Stamp{UINT32_MAX, (1LL << 56) - 1}}) {
            Canvas canvas{width, 144};
            draw(canvas, stamp);
            EXPECT_EQ(read_stamp(canvas), stamp) << width;
        }
    }
}

TEST(Stamp, survives_what_an_encoder_does_to_it) {
    Canvas canvas{640, 360};
    const Stamp stamp{123'456, 1'763'646'000'123};
    draw(canvas, stamp);
    std::uint32_t noise = 1;
    for (std::uint32_t y = 0; y < canvas.height(); ++y) {
        for (std::uint8_t& sample : canvas.luma_row(y)) {
            noise = noise * 1664525 + 1013904223;
            sample = static_cast<std::uint8_t>(sample / 2 + 60 + (noise >> 24) % 16);
        }
    }
    EXPECT_EQ(read_stamp(canvas), stamp);
}

TEST(Stamp, a_damaged_one_is_none) {
    Canvas canvas{640, 360};
    draw(canvas, {123, 456});
    const std::uint32_t side = stamp_block(canvas.width());
    canvas.fill({31 * side, 0, side, side}, black);   // the frame number's last bit
    EXPECT_FALSE(read_stamp(canvas));
    EXPECT_FALSE(read_stamp(Canvas{640, 360}) == Stamp(1, 1));
}

TEST(TestPicture, carries_its_stamp_and_marks_each_full_second) {
    TestPicture picture{640, 360};
    constexpr WallTime second{1'763'646'000'000'000};
    const auto mark = [](const Canvas& canvas) { return canvas.plane(0).back(); };
    const Canvas& canvas = picture.draw(7, second);
    EXPECT_EQ(read_stamp(canvas), (Stamp{7, second.microseconds / 1000}));
    EXPECT_EQ(mark(canvas), white.y);
    EXPECT_EQ(mark(picture.draw(8, {second.microseconds + 500'000})), black.y);
    EXPECT_EQ(read_stamp(canvas), (Stamp{8, second.microseconds / 1000 + 500}));
}

TEST(TestPicture, every_picture_is_another) {
    TestPicture picture{256, 144};
    std::vector<std::uint8_t> before;
    for (std::uint32_t frame = 0; frame < 300; ++frame) {
        const Canvas& canvas = picture.draw(frame, {1'763'646'000'000'000 + frame * 33'333});
        std::vector<std::uint8_t> now(canvas.plane(0).begin(), canvas.plane(0).end());
        EXPECT_NE(now, before) << frame;
        before = std::move(now);
    }
}

TEST(Font, writes_inside_the_picture_only) {
    Canvas canvas{256, 144};
    write(canvas, {200, 130, 4}, "0123456789 ABC?");
    write(canvas, {5000, 5000, 1}, "X");
}

}   // namespace millrace::capture
