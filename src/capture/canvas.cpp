#include "capture/canvas.hpp"

#include <algorithm>

namespace millrace::capture {

void Canvas::fill(Box box, Colour colour) {
    const std::uint32_t right = std::min(box.x + box.width, width_);
    const std::uint32_t bottom = std::min(box.y + box.height, height_);
    for (std::uint32_t row = box.y; row < bottom && box.x < right; ++row) {
        std::ranges::fill(luma_row(row).subspan(box.x, right - box.x), colour.y);
        if (row % 2 == 0) {
            const std::uint32_t left = box.x / 2;
            std::ranges::fill(chroma_row(1, row / 2).subspan(left, right / 2 - left), colour.cb);
            std::ranges::fill(chroma_row(2, row / 2).subspan(left, right / 2 - left), colour.cr);
        }
    }
}

}   // namespace millrace::capture
