#include "protocol/rtmp/chunk_writer.hpp"

#include "base/byte_writer.hpp"
#include "base/check.hpp"

#include <algorithm>

namespace millrace::rtmp {

void ChunkWriter::write(const OutgoingMessage& message) {
    check(message.chunk_stream >= chunk_stream_min && message.chunk_stream <= chunk_stream_max,
          "a chunk stream of ours has a legal id");
    check(message.body.size() <= chunk_size_max, "a message of ours has a legal length");
    ByteWriter writer{out_};
    const bool extended = message.timestamp_ms >= timestamp_extended;
    basic_header(0, message.chunk_stream);
    writer.u24(extended ? timestamp_extended : message.timestamp_ms);
    writer.u24(static_cast<std::uint32_t>(message.body.size()));
    writer.u8(static_cast<std::uint8_t>(message.type));
    writer.u32_little_endian(message.stream_id);
    ByteSpan rest = message.body;
    while (true) {
        if (extended) {
            writer.u32(message.timestamp_ms);
        }
        const ByteSpan part = rest.first(std::min<std::size_t>(rest.size(), chunk_size_));
        writer.bytes(part);
        rest = rest.subspan(part.size());
        if (rest.empty()) {
            return;
        }
        basic_header(3, message.chunk_stream);
    }
}

void ChunkWriter::basic_header(std::uint8_t format, std::uint32_t chunk_stream) {
    ByteWriter writer{out_};
    const auto bits = static_cast<std::uint8_t>(format << 6U);
    if (chunk_stream < 64) {
        writer.u8(static_cast<std::uint8_t>(bits | chunk_stream));
        return;
    }
    const std::uint32_t above = chunk_stream - 64;
    writer.u8(above < 256 ? bits : bits | 1U);
    writer.u8(static_cast<std::uint8_t>(above));
    if (above >= 256) {
        writer.u8(static_cast<std::uint8_t>(above >> 8U));
    }
}

}   // namespace millrace::rtmp
