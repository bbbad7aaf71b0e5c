#pragma once

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <optional>

namespace millrace::rtp {

/// AV1 §4.10.5, up to 32 bits; nothing where it does not end.
inline std::optional<std::size_t> read_leb128(ByteReader& reader) {
    std::size_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 7) {
        const std::uint8_t byte = reader.u8();
        value |= std::size_t{byte & 0x7FU} << shift;
        if ((byte & 0x80U) == 0) {
            return reader.ok() ? std::optional{value} : std::nullopt;
        }
    }
    return std::nullopt;
}

inline void write_leb128(ByteWriter& writer, std::size_t value) {
    for (; value > 0x7F; value >>= 7U) {
        writer.u8(static_cast<std::uint8_t>(0x80U | (value & 0x7FU)));
    }
    writer.u8(static_cast<std::uint8_t>(value));
}

}   // namespace millrace::rtp
