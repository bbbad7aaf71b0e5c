#pragma once

#include "base/byte_writer.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

/// Frames put together by hand, right and wrong, for tests: nothing of the code under test is used.
namespace millrace::ws::hand_made {

struct Frame {
    unsigned opcode = 1;
    std::string payload;
    bool last = true;
    unsigned reserved = 0;   ///< the three reserved bits
};

inline void write_size(ByteWriter& writer, std::size_t size, unsigned mask_bit) {
    if (size < 126) {
        writer.u8(static_cast<std::uint8_t>(mask_bit | size));
    } else if (size < 65536) {
        writer.u8(static_cast<std::uint8_t>(mask_bit | 126U));
        writer.u16(static_cast<std::uint16_t>(size));
    } else {
        writer.u8(static_cast<std::uint8_t>(mask_bit | 127U));
        writer.u64(size);
    }
}

inline void write(std::vector<std::byte>& out, const Frame& frame, bool masked) {
    constexpr std::array<std::uint8_t, 4> mask{0x37, 0xFA, 0x21, 0x3D};
    ByteWriter writer{out};
    writer.u8(static_cast<std::uint8_t>((frame.last ? 0x80U : 0U) | frame.reserved << 4U | frame.opcode));
    write_size(writer, frame.payload.size(), masked ? 0x80U : 0U);
    if (!masked) {
        writer.text(frame.payload);
        return;
    }
    for (const std::uint8_t byte : mask) {
        writer.u8(byte);
    }
    for (std::size_t at = 0; at < frame.payload.size(); ++at) {
        writer.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(frame.payload[at]) ^ mask[at % 4]));
    }
}

/// As a client sends them.
inline std::vector<std::byte> from_client(const std::vector<Frame>& frames) {
    std::vector<std::byte> out;
    for (const Frame& frame : frames) {
        write(out, frame, true);
    }
    return out;
}

/// As a server sends them.
inline std::vector<std::byte> from_server(const std::vector<Frame>& frames) {
    std::vector<std::byte> out;
    for (const Frame& frame : frames) {
        write(out, frame, false);
    }
    return out;
}

inline Frame close(unsigned code, const std::string& reason = {}) {
    std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
    return {.opcode = 8, .payload = payload + reason};
}

/// "cebae1" as the bytes it says.
inline std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        bytes += static_cast<char>(std::stoi(std::string{hex.substr(at, 2)}, nullptr, 16));
    }
    return bytes;
}

}   // namespace millrace::ws::hand_made
