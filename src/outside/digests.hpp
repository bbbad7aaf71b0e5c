#pragma once

#include "base/bytes.hpp"

#include <array>
#include <span>
#include <string>

namespace millrace::outside {

/// RFC 1321: what S3 calls bodies and objects by; it proves nothing against whoever wants to deceive.
std::array<char, 16> md5(ByteSpan bytes);
/// FIPS 180-4.
std::array<char, 32> sha256(ByteSpan bytes);
/// In lower case.
std::string hexadecimal(std::span<const char> bytes);

}   // namespace millrace::outside
