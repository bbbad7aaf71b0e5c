#pragma once

#include "base/bytes.hpp"

#include <bit>
#include <cstdint>

namespace millrace {

/// Appends to a vector, big-endian unless said.
class ByteWriter {
public:
    explicit ByteWriter(std::vector<std::byte>& out) : out_{out} {}

    void u8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }
    void u16(std::uint16_t value) { big_endian(value, 2); }
    void u24(std::uint32_t value) { big_endian(value, 3); }
    void u32(std::uint32_t value) { big_endian(value, 4); }
    void u64(std::uint64_t value) { big_endian(value, 8); }
    void u32_little_endian(std::uint32_t value) { u32(__builtin_bswap32(value)); }
    void f64(double value) { u64(std::bit_cast<std::uint64_t>(value)); }
    void bytes(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
    void text(std::string_view text) { bytes(as_bytes(text)); }
    void zeros(std::size_t count) { out_.resize(out_.size() + count); }

    std::size_t size() const { return out_.size(); }

private:
    void big_endian(std::uint64_t value, unsigned count) {
        for (unsigned shift = count * 8; shift != 0;) {
            shift -= 8;
            u8(static_cast<std::uint8_t>(value >> shift));
        }
    }

    std::vector<std::byte>& out_;
};

}   // namespace millrace
