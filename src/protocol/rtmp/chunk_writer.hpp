#pragma once

#include "protocol/rtmp/message.hpp"

#include <cstdint>
#include <vector>

namespace millrace::rtmp {

/// Appends messages to a vector in chunks. Every message starts with a full header (fmt 0) and goes on with
/// fmt 3, so a reader needs nothing of what came before.
class ChunkWriter {
public:
    explicit ChunkWriter(std::vector<std::byte>& out, std::uint32_t chunk_size = chunk_size_initial)
        : out_{out}, chunk_size_{chunk_size} {}

    /// The chunk stream must be one of 2–65599 and the body at most 2^24 - 1 bytes.
    void write(const OutgoingMessage& message);

private:
    void basic_header(std::uint8_t format, std::uint32_t chunk_stream);

    std::vector<std::byte>& out_;
    std::uint32_t chunk_size_;
};

}   // namespace millrace::rtmp
