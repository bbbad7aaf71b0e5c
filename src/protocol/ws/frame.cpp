#include "protocol/ws/frame.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>

namespace millrace::ws {

namespace {

// RFC 6455 §5.2:
//
//    |F|R|R|R| opcode |M| size  | 16 or 64 bits of size | 4 bytes of | payload
//    |I|S|S|S|  (4)   |A|  (7)  | if `size` is 126 or   | mask if    |
//    |N|V|V|V|        |S|       | 127                   | MASK       |
constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t opcode_bits = 0x0F;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t size_bits = 0x7F;
constexpr std::uint8_t size_in_16 = 126;
constexpr std::uint8_t size_in_64 = 127;

bool is_known(std::uint8_t opcode) {
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

std::size_t head_size(std::uint8_t second) {
    const std::uint8_t size = second & size_bits;
    const std::size_t extended = size == size_in_16 ? 2 : size == size_in_64 ? 8 : 0;
    return 2 + extended + ((second & mask_bit) != 0 ? sizeof(Mask) : 0);
}

Heard<> check_start(ByteSpan head) {
    ByteReader reader{head};
    const std::uint8_t first = reader.u8();
    const std::uint8_t second = reader.u8();
    if ((first & reserved_bits) != 0) {
        return fault(CloseCode::protocol_error, "a frame with a reserved bit");   // no extension was agreed
    }
    const std::uint8_t opcode = first & opcode_bits;
    if (!is_known(opcode)) {
        return fault(CloseCode::protocol_error, "a frame with a reserved opcode");
    }
    if (is_control(Opcode{opcode}) && (first & final_bit) == 0) {
        return fault(CloseCode::protocol_error, "a control frame in fragments");
    }
    if (is_control(Opcode{opcode}) && (second & size_bits) > control_size_max) {
        return fault(CloseCode::protocol_error, "a control frame of more than 125 bytes");
    }
    return {};
}

}   // namespace

Heard<std::optional<FrameHead>> HeadReader::next(ByteSpan& bytes) {
    for (;;) {
        const std::size_t wanted = size_ < 2 ? 2 : head_size(static_cast<std::uint8_t>(held_[1]));
        if (size_ == wanted) {
            break;
        }
        if (bytes.empty()) {
            return std::nullopt;
        }
        held_[size_++] = bytes.front();
        bytes = bytes.subspan(1);
        if (size_ == 2) {
            if (auto checked = check_start(held_); !checked) {
                return std::unexpected(checked.error());
            }
        }
    }
    ByteReader reader{std::span{held_}.first(std::exchange(size_, std::uint8_t{0}))};
    const std::uint8_t first = reader.u8();
    const std::uint8_t second = reader.u8();
    const std::uint8_t short_size = second & size_bits;
    FrameHead head{.opcode = Opcode{static_cast<std::uint8_t>(first & opcode_bits)},
                   .last = (first & final_bit) != 0,
                   .mask = {},
                   .size = short_size};
    if (short_size == size_in_16) {
        head.size = reader.u16();
    } else if (short_size == size_in_64) {
        head.size = reader.u64();
    }
    // RFC 6455 §5.2: the most significant bit is 0, and the shortest form is used.
    const bool longer_than_needed = (short_size == size_in_16 && head.size < size_in_16) ||
                                    (short_size == size_in_64 && head.size <= UINT16_MAX);
    if (head.size > INT64_MAX || longer_than_needed) {
        return fault(CloseCode::protocol_error, "a frame's size is not written as it must be");
    }
    if ((second & mask_bit) != 0) {
        std::ranges::copy(reader.take(sizeof(Mask)), head.mask.emplace().begin());
    }
    return head;
}

std::size_t write_head(const FrameHead& head, std::span<std::byte, 16> out) {
    std::size_t at = 0;
    const auto put = [&](std::uint64_t value, unsigned bytes) {
        for (unsigned shift = bytes * 8; shift != 0;) {
            shift -= 8;
            out[at++] = static_cast<std::byte>(value >> shift);
        }
    };
    const std::uint8_t masked = head.mask ? mask_bit : 0;
    put((head.last ? final_bit : 0U) | static_cast<std::uint8_t>(head.opcode), 1);
    if (head.size < size_in_16) {
        put(masked | head.size, 1);
    } else if (head.size <= UINT16_MAX) {
        put(masked | size_in_16, 1);
        put(head.size, 2);
    } else {
        put(masked | size_in_64, 1);
        put(head.size, 8);
    }
    if (head.mask) {
        std::ranges::copy(*head.mask, out.begin() + static_cast<std::ptrdiff_t>(at));
        at += head.mask->size();
    }
    return at;
}

std::size_t binary_head(std::size_t size, std::span<std::byte, 16> out) {
    return write_head({.opcode = Opcode::binary, .last = true, .mask = {}, .size = size}, out);
}

void append_frame(std::vector<std::byte>& out, FrameHead head, ByteSpan payload) {
    std::array<std::byte, 16> bytes;
    head.size = payload.size();
    const std::size_t size = write_head(head, bytes);
    ByteWriter writer{out};
    writer.bytes(std::span{bytes}.first(size));
    writer.bytes(payload);
    if (head.mask) {
        apply_mask(std::span{out}.last(payload.size()), *head.mask, 0);
    }
}

void append_close(std::vector<std::byte>& out, CloseCode code, std::optional<Mask> mask) {
    std::vector<std::byte> payload;
    if (code != CloseCode::no_status) {
        ByteWriter{payload}.u16(static_cast<std::uint16_t>(code));
    }
    append_frame(out, {.opcode = Opcode::close, .last = true, .mask = mask, .size = 0}, payload);
}

void apply_mask(std::span<std::byte> bytes, const Mask& mask, std::uint64_t offset) {
    for (std::byte& byte : bytes) {
        byte ^= mask[offset++ % mask.size()];
    }
}

}   // namespace millrace::ws
