#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

/// What the tests of codec syntax share.
namespace millrace::media {

/// "00 01ff" as bytes.
inline Bytes from_hex(std::string_view text) {
    std::vector<std::byte> bytes;
    unsigned value = 0;
    unsigned digits = 0;
    for (const char c : text) {
        if (c == ' ') {
            continue;
        }
        value = value << 4U | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        if (++digits % 2 == 0) {
            bytes.push_back(static_cast<std::byte>(value & 0xFFU));
        }
    }
    return Bytes{std::move(bytes)};
}

/// Writes bits and Exp-Golomb codes; without emulation prevention, so keep runs of zeros short.
class BitWriter {
public:
    BitWriter& bits(std::uint32_t value, unsigned count) {
        while (count-- != 0) {
            if (used_ == 0) {
                bytes_.push_back(std::byte{0});
            }
            bytes_.back() |= static_cast<std::byte>((value >> count & 1U) << (7 - used_));
            used_ = (used_ + 1) % 8;
        }
        return *this;
    }
    BitWriter& ue(std::uint32_t value) {
        const std::uint64_t code = std::uint64_t{value} + 1;
        unsigned length = 0;
        while (code >> (length + 1) != 0) {
            ++length;
        }
        bits(0, length);
        bits(1, 1);
        return bits(static_cast<std::uint32_t>(code), length);
    }
    BitWriter& se(std::int32_t value) {
        const std::int64_t wide = value;
        return ue(static_cast<std::uint32_t>(wide > 0 ? 2 * wide - 1 : -2 * wide));
    }
    /// The bytes with a trailing 1 bit, and with emulation prevention if they are to be a NAL unit.
    Bytes nal() {
        bits(1, 1);
        std::vector<std::byte> out;
        unsigned zeros = 0;
        for (const std::byte byte : bytes_) {
            if (zeros >= 2 && byte <= std::byte{3}) {
                out.push_back(std::byte{3});
                zeros = 0;
            }
            zeros = byte == std::byte{0} ? zeros + 1 : 0;
            out.push_back(byte);
        }
        return Bytes{std::move(out)};
    }
    Bytes plain() const { return Bytes::copy(bytes_); }

private:
    std::vector<std::byte> bytes_;
    unsigned used_ = 0;   // bits of the last byte
};

/// Calls `read` with every proper prefix, and with every byte turned into a few others: whatever it answers,
/// the sanitizers must not see anything.
template <class Read>
void damage(ByteSpan bytes, Read read) {
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
        // A copy of its own, so that a read beyond the end is seen.
        const Bytes part = Bytes::copy(bytes.first(length));
        read(part.span());
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const unsigned mask : {0x01U, 0x10U, 0x80U, 0xFFU}) {
            std::vector<std::byte> flipped(bytes.begin(), bytes.end());
            flipped[at] ^= static_cast<std::byte>(mask);
            read(ByteSpan{flipped});
        }
    }
}

}   // namespace millrace::media
