#pragma once

#include "base/time.hpp"
#include "capture/canvas.hpp"

#include <optional>

namespace millrace::capture {

/// What a picture says of itself to programs: drawn before encoding, read from the decoded picture, so that
/// frames and latency can be counted end to end.
///
///   3 rows of 32 square blocks in the upper left corner, white for 1, most significant bit first:
///   frame number(32) · milliseconds since 1970, bits 31–0(32) · bits 55–32(24), CRC-8(8)
///
/// CRC-8: polynomial 0x07, initial value 0, over the eleven bytes before it. A block has 16×16 samples, 8×8
/// in pictures narrower than 512.
struct Stamp {
    std::uint32_t frame = 0;
    std::int64_t utc_ms = 0;   ///< 0 to 2⁵⁶ − 1

    bool operator==(const Stamp&) const = default;
};

/// Side of a block in a picture of this width.
std::uint32_t stamp_block(std::uint32_t picture_width);

/// Draws it; the picture is at least 256 wide.
void draw(Canvas& canvas, const Stamp& stamp);

/// Reads it from the luma plane; nothing if the CRC does not fit.
std::optional<Stamp> read_stamp(const Canvas& canvas);

}   // namespace millrace::capture
