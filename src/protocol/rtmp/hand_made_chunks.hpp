#pragma once

#include "base/byte_writer.hpp"
#include "protocol/rtmp/chunk_reader.hpp"

#include <algorithm>
#include <utility>
#include <vector>

/// For tests: chunks written field by field, right or wrong, and a reader fed in pieces.
namespace millrace::rtmp {

inline std::vector<std::byte> body_of(std::size_t size, unsigned seed = 1) {
    std::vector<std::byte> body(size);
    for (std::size_t i = 0; i < size; ++i) {
        body[i] = static_cast<std::byte>(i * 7 + seed);
    }
    return body;
}

/// Chunks by hand.
class Chunks {
public:
    std::vector<std::byte> bytes;

    Chunks& basic(unsigned format, std::uint32_t chunk_stream) {
        ByteWriter writer{bytes};
        const auto bits = static_cast<std::uint8_t>(format << 6U);
        if (chunk_stream < 64) {
            writer.u8(static_cast<std::uint8_t>(bits | chunk_stream));
        } else {
            writer.u8(bits | 1U);
            writer.u8(static_cast<std::uint8_t>(chunk_stream - 64));
            writer.u8(static_cast<std::uint8_t>((chunk_stream - 64) >> 8U));
        }
        return *this;
    }
    Chunks& time(std::uint32_t value) { return u24(value); }
    Chunks& u24(std::uint32_t value) {
        ByteWriter{bytes}.u24(value);
        return *this;
    }
    Chunks& u32(std::uint32_t value) {
        ByteWriter{bytes}.u32(value);
        return *this;
    }
    Chunks& length_and_type(std::uint32_t length, MessageType type) {
        ByteWriter{bytes}.u24(length);
        ByteWriter{bytes}.u8(static_cast<std::uint8_t>(type));
        return *this;
    }
    Chunks& stream(std::uint32_t id) {
        ByteWriter{bytes}.u32_little_endian(id);
        return *this;
    }
    Chunks& payload(ByteSpan part) {
        ByteWriter{bytes}.bytes(part);
        return *this;
    }
    Chunks& control(MessageType type, std::uint32_t value) {
        return basic(0, 2).time(0).length_and_type(4, type).stream(0).u32(value);
    }
};

inline Result<std::vector<Message>> read_all(ChunkReader& reader, ByteSpan bytes,
                                             std::size_t piece = SIZE_MAX) {
    std::vector<Message> messages;
    while (!bytes.empty()) {
        ByteSpan part = bytes.first(std::min(piece, bytes.size()));
        bytes = bytes.subspan(part.size());
        while (true) {
            auto message = reader.next(part);
            if (!message) {
                return std::unexpected(message.error());
            }
            if (!*message) {
                break;
            }
            messages.push_back(**std::move(message));
        }
    }
    return messages;
}

inline Errc error_of(ByteSpan bytes) {
    ChunkReader reader;
    const auto messages = read_all(reader, bytes);
    return messages ? Errc::would_block : messages.error().code;
}

}   // namespace millrace::rtmp
