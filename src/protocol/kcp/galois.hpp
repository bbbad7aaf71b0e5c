#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace millrace::kcp {

// Bytes as the field of 256 elements (x^8 + x^4 + x^3 + x^2 + 1): adding is exclusive or.

std::uint8_t multiply(std::uint8_t a, std::uint8_t b);
/// What gives 1 with `a`, which is not 0.
std::uint8_t inverse(std::uint8_t a);
/// into[i] += factor * from[i], for all of `from`, which is no longer than `into`.
void add_scaled(std::span<std::byte> into, ByteSpan from, std::uint8_t factor);

}   // namespace millrace::kcp
