#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace millrace {

/// Reads untrusted bytes in order, big-endian unless said. Reading past the end gives zeros (or an empty
/// span) and makes `ok()` false for good, so a parser may read a whole structure and ask once.
class ByteReader {
public:
    explicit ByteReader(ByteSpan bytes) : rest_{bytes} {}

    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }
    std::size_t remaining() const { return rest_.size(); }
    ByteSpan rest() const { return rest_; }

    std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
    std::uint32_t u24() { return static_cast<std::uint32_t>(big_endian(3)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
    std::uint64_t u64() { return big_endian(8); }
    std::uint32_t u32_little_endian() { return __builtin_bswap32(u32()); }

    /// The next bytes as they stand; empty and not ok when there are fewer.
    ByteSpan take(std::size_t count) {
        if (count > rest_.size()) {
            return overrun();
        }
        const ByteSpan taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    void skip(std::size_t count) { take(count); }

private:
    std::uint64_t big_endian(std::size_t count) {
        std::uint64_t value = 0;
        for (const std::byte byte : take(count)) {
            value = value << 8U | static_cast<std::uint8_t>(byte);
        }
        return value;
    }
    ByteSpan overrun() {
        ok_ = false;
        rest_ = {};
        return {};
    }

    ByteSpan rest_;
    bool ok_ = true;
};

}   // namespace millrace
