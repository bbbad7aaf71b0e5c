#pragma once

#include "base/time.hpp"
#include "capture/canvas.hpp"

#include <cstdint>
#include <vector>

namespace millrace::capture {

/// How long picture and sound mark each full second of UTC: a white square, a beep.
inline constexpr std::int64_t mark_milliseconds = 100;

/// A square around the ball, in parts of the picture's width and height.
struct BallBox {
    double x = 0;   ///< of its left
    double y = 0;   ///< of its top
    double width = 0;
    double height = 0;
};
BallBox ball_box(std::uint32_t frame, std::uint32_t width, std::uint32_t height);

/// The moving picture of the synthetic camera: bars that travel, a ball that swings, clock and frame number
/// in letters, a white square at each full second, and the stamp. What it shows follows from frame number
/// and time alone.
class TestPicture {
public:
    TestPicture(std::uint32_t width, std::uint32_t height);

    /// The picture of that moment; it is drawn over by the next call.
    const Canvas& draw(std::uint32_t frame, WallTime utc);

private:
    void draw_bars(std::uint32_t frame);
    void draw_ball(std::uint32_t frame);
    void draw_words(std::uint32_t frame, WallTime utc);

    Canvas canvas_;
    std::vector<std::uint8_t> luma_;   // one row, longer than the picture by a period
    std::vector<std::uint8_t> cb_;
    std::vector<std::uint8_t> cr_;
};

}   // namespace millrace::capture
