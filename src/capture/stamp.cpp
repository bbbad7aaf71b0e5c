#include "capture/stamp.hpp"

#include <array>

namespace millrace::capture {

namespace {

constexpr std::uint32_t rows = 3;
constexpr std::uint32_t columns = 32;
constexpr std::uint32_t wide_from = 512;
constexpr unsigned half_bright = 128;

using StampBytes = std::array<std::uint8_t, rows * columns / 8>;

std::uint8_t crc8(const StampBytes& bytes) {
    unsigned crc = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc << 1U ^ ((crc & 0x80U) != 0 ? 0x07U : 0U)) & 0xFFU;
        }
    }
    return static_cast<std::uint8_t>(crc);
}

StampBytes bytes_of(const Stamp& stamp) {
    StampBytes bytes{};
    const auto utc = static_cast<std::uint64_t>(stamp.utc_ms);
    for (unsigned i = 0; i < 4; ++i) {
        bytes[i] = static_cast<std::uint8_t>(stamp.frame >> (24 - 8 * i));
        bytes[4 + i] = static_cast<std::uint8_t>(utc >> (24 - 8 * i));
    }
    for (unsigned i = 0; i < 3; ++i) {
        bytes[8 + i] = static_cast<std::uint8_t>(utc >> (48 - 8 * i));
    }
    bytes.back() = crc8(bytes);
    return bytes;
}

/// Average brightness of the middle of a block: its edges may be blurred.
unsigned brightness(const Canvas& canvas, Box block) {
    const std::uint32_t margin = block.width / 4;
    unsigned sum = 0;
    unsigned count = 0;
    for (std::uint32_t y = block.y + margin; y < block.y + block.height - margin; ++y) {
        for (std::uint32_t x = block.x + margin; x < block.x + block.width - margin; ++x) {
            sum += canvas.plane(0)[std::size_t{y} * canvas.width() + x];
            ++count;
        }
    }
    return sum / count;
}

}   // namespace

std::uint32_t stamp_block(std::uint32_t picture_width) {
    return picture_width < wide_from ? 8 : 16;
}

void draw(Canvas& canvas, const Stamp& stamp) {
    const StampBytes bytes = bytes_of(stamp);
    const std::uint32_t side = stamp_block(canvas.width());
    for (std::uint32_t bit = 0; bit < rows * columns; ++bit) {
        const bool set = (bytes[bit / 8] >> (7 - bit % 8) & 1U) != 0;
        canvas.fill({bit % columns * side, bit / columns * side, side, side}, set ? white : black);
    }
}

std::optional<Stamp> read_stamp(const Canvas& canvas) {
    const std::uint32_t side = stamp_block(canvas.width());
    StampBytes bytes{};
    for (std::uint32_t bit = 0; bit < rows * columns; ++bit) {
        const Box block{bit % columns * side, bit / columns * side, side, side};
        const unsigned set = brightness(canvas, block) >= half_bright ? 1 : 0;
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] << 1U | set);
    }
    if (bytes.back() != crc8(bytes)) {
        return std::nullopt;
    }
    Stamp stamp;
    std::uint64_t utc = 0;
    for (const unsigned at : {8U, 9U, 10U, 4U, 5U, 6U, 7U}) {
        utc = utc << 8U | bytes[at];
    }
    for (unsigned i = 0; i < 4; ++i) {
        stamp.frame = stamp.frame << 8U | bytes[i];
    }
    stamp.utc_ms = static_cast<std::int64_t>(utc);
    return stamp;
}

}   // namespace millrace::capture
