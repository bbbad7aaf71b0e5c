#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::control {

/// 32 bytes: a SHA-256, an HMAC under it, or a key for one.
using Digest = std::array<std::byte, 32>;

Digest sha256(std::string_view text);
/// RFC 2104.
Digest hmac_sha256(const Digest& key, std::string_view text);

/// Takes the same time wherever they differ.
bool same_in_constant_time(ByteSpan a, ByteSpan b);

/// 64 hexadecimal digits of either case; nothing for any other text.
std::optional<Digest> parse_digest(std::string_view text);

/// The first eight bytes as a number that is never 0.
std::uint64_t short_number(const Digest& digest);

/// RFC 4648 §4, with its padding: nothing for an illegal character, a wrong length, or bits that should be 0.
std::optional<std::string> decode_base64(std::string_view text);
/// RFC 4648 §4 without padding, as PHC strings have it.
std::string encode_base64(ByteSpan bytes);

}   // namespace millrace::control

/// A Digest is as good as random, so a part of it is a hash.
template <>
struct std::hash<millrace::control::Digest> {
    std::size_t operator()(const millrace::control::Digest& digest) const noexcept {
        return static_cast<std::size_t>(millrace::control::short_number(digest));
    }
};
