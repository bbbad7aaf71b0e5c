#include "capture/test_picture.hpp"

#include "capture/font.hpp"
#include "capture/stamp.hpp"

#include <fmt/format.h>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace millrace::capture {

namespace {

constexpr std::uint32_t luma_period = 256;   // of the grey wave, in samples
constexpr std::uint32_t bar = 64;            // width of a colour
constexpr std::array bars{Colour{0, 128, 128}, Colour{0, 60, 140},  Colour{0, 150, 70},  Colour{0, 90, 90},
                          Colour{0, 170, 150}, Colour{0, 110, 190}, Colour{0, 200, 120}, Colour{0, 128, 160}};
constexpr std::uint32_t chroma_period = bar * bars.size() / 2;
constexpr std::uint32_t samples_a_frame = 2;   // the bars' speed
constexpr std::uint32_t ball_period = 120;     // frames from left to right and back

std::string clock_text(WallTime utc) {
    using namespace std::chrono;
    const sys_time<microseconds> moment{microseconds{utc.microseconds}};
    const auto day = floor<days>(moment);
    const year_month_day date{day};
    const hh_mm_ss time{floor<milliseconds>(moment - day)};
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03} UTC", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count());
}

struct Ball {
    int radius;
    int middle_x;
    int middle_y;
};
Ball ball_at(std::uint32_t frame, std::uint32_t width, std::uint32_t height) {
    const auto radius = static_cast<int>(height / 12);
    const double angle = 2 * std::numbers::pi * (frame % ball_period) / ball_period;
    const double span = width / 2.0 - radius;
    return {.radius = radius,
            .middle_x = static_cast<int>(width / 2.0 - span * std::cos(angle)),
            .middle_y = static_cast<int>(height / 2)};
}

}   // namespace

BallBox ball_box(std::uint32_t frame, std::uint32_t width, std::uint32_t height) {
    const Ball ball = ball_at(frame, width, height);
    return {.x = static_cast<double>(ball.middle_x - ball.radius) / width,
            .y = static_cast<double>(ball.middle_y - ball.radius) / height,
            .width = 2.0 * ball.radius / width,
            .height = 2.0 * ball.radius / height};
}

TestPicture::TestPicture(std::uint32_t width, std::uint32_t height) : canvas_{width, height} {
    for (std::uint32_t x = 0; x < width + luma_period; ++x) {
        const auto up = static_cast<int>(x % luma_period);
        luma_.push_back(static_cast<std::uint8_t>(60 + std::abs(up - static_cast<int>(luma_period / 2))));
    }
    for (std::uint32_t x = 0; x < width / 2 + chroma_period; ++x) {
        const Colour& colour = bars[x / (bar / 2) % bars.size()];
        cb_.push_back(colour.cb);
        cr_.push_back(colour.cr);
    }
}

void TestPicture::draw_bars(std::uint32_t frame) {
    for (std::uint32_t y = 0; y < canvas_.height(); ++y) {
        // A slope: the wave travels aslant.
        const std::uint32_t shift = (frame * samples_a_frame + y / 2) % luma_period;
        const std::span<std::uint8_t> row = canvas_.luma_row(y);
        std::copy_n(luma_.begin() + shift, row.size(), row.begin());
    }
    const std::uint32_t shift = frame * samples_a_frame / 2 % chroma_period;
    for (std::uint32_t y = 0; y < canvas_.height() / 2; ++y) {
        std::copy_n(cb_.begin() + shift, canvas_.width() / 2, canvas_.chroma_row(1, y).begin());
        std::copy_n(cr_.begin() + shift, canvas_.width() / 2, canvas_.chroma_row(2, y).begin());
    }
}

void TestPicture::draw_ball(std::uint32_t frame) {
    const auto [radius, middle_x, middle_y] = ball_at(frame, canvas_.width(), canvas_.height());
    for (int y = -radius; y < radius; ++y) {
        const auto half = static_cast<int>(std::sqrt(radius * radius - y * y));
        const auto left = static_cast<std::uint32_t>(std::max(0, middle_x - half));
        canvas_.fill(
            {left, static_cast<std::uint32_t>(middle_y + y), static_cast<std::uint32_t>(2 * half), 1}, white);
    }
}

void TestPicture::draw_words(std::uint32_t frame, WallTime utc) {
    const std::string clock = clock_text(utc);
    const auto letters = static_cast<std::uint32_t>(clock.size() + 2);
    const std::uint32_t scale = std::max(1U, canvas_.width() / (letters * glyph_width));
    const std::uint32_t line = (glyph_height + 2) * scale;
    write(canvas_, {scale * 4, canvas_.height() - 2 * line - scale * 4, scale}, clock);
    write(canvas_, {scale * 4, canvas_.height() - line - scale * 4, scale},
          fmt::format("FRAME {:08}", frame));
}

const Canvas& TestPicture::draw(std::uint32_t frame, WallTime utc) {
    draw_bars(frame);
    draw_ball(frame);
    draw_words(frame, utc);
    const std::int64_t milliseconds = utc.microseconds / 1000;
    const std::uint32_t side = canvas_.height() / 8;
    const Colour mark = milliseconds % 1000 < mark_milliseconds ? white : black;
    canvas_.fill({canvas_.width() - side, canvas_.height() - side, side, side}, mark);
    capture::draw(canvas_, {frame, milliseconds});
    return canvas_;
}

}   // namespace millrace::capture
