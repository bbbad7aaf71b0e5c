#pragma once

#include "base/byte_reader.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace millrace::media {

/// Reads untrusted bits in order, most significant first. As with ByteReader, reading past the end gives
/// zeros and makes `ok()` false for good. In the form `nal` it leaves out the emulation prevention bytes
/// (the 3 of 00 00 03, H.264 §7.4.1.1 and H.265 §7.4.2) as it goes.
class BitReader {
public:
    enum class Form : std::uint8_t { plain, nal };

    explicit BitReader(ByteSpan bytes, Form form = Form::plain) : bytes_{bytes}, form_{form} {}

    bool ok() const { return ok_; }
    /// Makes `ok()` false: a value was read that its specification forbids.
    void refuse() { ok_ = false; }

    /// Up to 32 bits.
    std::uint32_t bits(unsigned count) {
        std::uint64_t value = 0;
        while (count != 0) {
            if (left_ == 0 && !load()) {
                return 0;
            }
            const unsigned taken = count < left_ ? count : left_;
            left_ -= taken;
            count -= taken;
            value = value << taken | (byte_ >> left_ & ((1U << taken) - 1U));
        }
        return static_cast<std::uint32_t>(value);
    }
    bool flag() { return bits(1) != 0; }
    std::uint8_t u8() { return static_cast<std::uint8_t>(bits(8)); }
    void skip(std::size_t count) {
        const std::size_t begun = count < left_ ? count : left_;
        bits(static_cast<unsigned>(begun));
        skip_bytes((count - begun) / 8);
        bits(static_cast<unsigned>((count - begun) % 8));
    }

    /// Exp-Golomb code, H.264 §9.1. A run of more than 31 zeros is refused.
    std::uint32_t ue() {
        unsigned zeros = 0;
        unsigned unread = 0;   // what is left of the byte under way
        while (unread == 0) {
            if (!ok_ || zeros > 31 || (left_ == 0 && !load())) {
                refuse();
                return 0;
            }
            unread = byte_ & ((1U << left_) - 1U);
            const auto run = left_ - static_cast<unsigned>(std::bit_width(unread));
            zeros += run;
            left_ -= run;
        }
        --left_;   // the one that ends the run
        if (zeros > 31) {
            refuse();
            return 0;
        }
        return (1U << zeros) - 1U + bits(zeros);
    }
    /// The same with a limit: a larger value is refused and read as zero.
    std::uint32_t ue(std::uint32_t largest) {
        const std::uint32_t value = ue();
        if (value > largest) {
            refuse();
            return 0;
        }
        return value;
    }
    /// Signed Exp-Golomb code, H.264 §9.1.1: 1, -1, 2, -2 …
    std::int32_t se() {
        const std::uint32_t code = ue();
        const auto magnitude = static_cast<std::int32_t>(code / 2 + code % 2);
        return code % 2 == 1 ? magnitude : -magnitude;
    }

    bool byte_aligned() const { return left_ == 0; }
    /// Whether whole bytes are left that were not begun.
    bool at_end() const { return bytes_.at_end(); }

private:
    /// Between two bytes. Only zeros need a look: an emulation prevention byte follows two of them.
    void skip_bytes(std::size_t count) {
        while (count > 0 && ok_) {
            const ByteSpan rest = bytes_.rest().first(std::min(count, bytes_.remaining()));
            const void* const zero =
                zeros_ > 0 || rest.empty() ? rest.data() : std::memchr(rest.data(), 0, rest.size());
            const std::size_t plain =
                zero == nullptr ? rest.size()
                                : static_cast<std::size_t>(static_cast<const std::byte*>(zero) - rest.data());
            bytes_.skip(plain);
            count -= plain;
            if (count > 0) {
                load();
                left_ = 0;
                --count;
            }
        }
    }
    bool load() {
        byte_ = bytes_.u8();
        if (form_ == Form::nal && zeros_ >= 2 && byte_ == 3 && bytes_.ok()) {
            byte_ = bytes_.u8();
            zeros_ = 0;
        }
        zeros_ = byte_ == 0 ? zeros_ + 1 : 0;
        ok_ = ok_ && bytes_.ok();
        left_ = ok_ ? 8 : 0;
        return ok_;
    }

    ByteReader bytes_;
    Form form_;
    unsigned byte_ = 0;
    unsigned left_ = 0;       // bits of byte_ not yet read
    std::size_t zeros_ = 0;   // zero bytes just read, for emulation prevention
    bool ok_ = true;
};

}   // namespace millrace::media
