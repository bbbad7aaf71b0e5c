#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace millrace {

/// FNV-1a of 64 bits: tells things of one origin apart, and withstands nobody who wants two to look alike.
class Fnv {
public:
    Fnv& add(std::uint64_t number) {
        constexpr unsigned byte_bits = 8;
        for (unsigned shift = 0; shift < 64; shift += byte_bits) {
            add_byte(number >> shift & 0xffU);
        }
        return *this;
    }
    Fnv& add(ByteSpan bytes) {
        for (const std::byte one : bytes) {
            add_byte(std::to_integer<std::uint64_t>(one));
        }
        return *this;
    }
    std::uint64_t sum() const { return sum_; }

private:
    void add_byte(std::uint64_t one) {
        constexpr std::uint64_t prime = 0x100000001b3;
        sum_ = (sum_ ^ one) * prime;
    }

    std::uint64_t sum_ = 0xcbf29ce484222325;
};

}   // namespace millrace
