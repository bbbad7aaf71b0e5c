#include "container/id3.hpp"

#include "base/byte_writer.hpp"

namespace millrace::id3 {

namespace {

constexpr std::uint8_t utf8 = 3;
constexpr std::size_t frame_head_size = 10;

/// Four times seven bits, so that no byte looks like a sync (§6.2).
std::uint32_t syncsafe(std::size_t size) {
    std::uint32_t spread = 0;
    for (unsigned i = 0; i < 4; ++i) {
        spread |= static_cast<std::uint32_t>(size >> 7U * i & 0x7FU) << 8U * i;
    }
    return spread;
}

}   // namespace

// "ID3" | version 04 00 | flags u8 | size u32 of all frames, syncsafe
//   "TXXX" | size u32 of what follows the frame's head, syncsafe | flags u16
//     encoding u8 | name, 0 | text
std::vector<std::byte> text_tag(std::string_view name, std::string_view text) {
    const std::size_t body = 1 + name.size() + 1 + text.size();
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.text("ID3");
    writer.u16(0x0400);
    writer.u8(0);
    writer.u32(syncsafe(frame_head_size + body));
    writer.text("TXXX");
    writer.u32(syncsafe(body));
    writer.u16(0);
    writer.u8(utf8);
    writer.text(name);
    writer.u8(0);
    writer.text(text);
    return out;
}

}   // namespace millrace::id3
