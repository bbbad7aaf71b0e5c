#include "control/digest.hpp"

#include "base/check.hpp"
#include "base/hex.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* octets(Digest& digest) {
    return reinterpret_cast<unsigned char*>(digest.data());
}

/// The text without its padding; nothing if that is wrong.
std::optional<std::string_view> without_padding(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    for (int i = 0; i < 2 && text.ends_with('='); ++i) {
        text.remove_suffix(1);
    }
    return text;
}

}   // namespace

Digest sha256(std::string_view text) {
    Digest digest;
    const int done = EVP_Digest(text.data(), text.size(), octets(digest), nullptr, EVP_sha256(), nullptr);
    check(done == 1, "SHA-256 is there");
    return digest;
}

Digest hmac_sha256(const Digest& key, std::string_view text) {
    Digest digest;
    const auto* const done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text),
                                  text.size(), octets(digest), nullptr);
    check(done != nullptr, "HMAC is there");
    return digest;
}

bool same_in_constant_time(ByteSpan a, ByteSpan b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Digest> parse_digest(std::string_view text) {
    Digest digest;
    const auto bytes = hex_bytes(text);
    if (!bytes || bytes->size() != digest.size()) {
        return std::nullopt;
    }
    std::ranges::copy(*bytes, digest.begin());
    return digest;
}

std::uint64_t short_number(const Digest& digest) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i) {
        number = number << 8U | std::to_integer<std::uint64_t>(digest.at(i));
    }
    return std::max<std::uint64_t>(number, 1);
}

std::optional<std::string> decode_base64(std::string_view text) {
    const auto digits = without_padding(text);
    if (!digits) {
        return std::nullopt;
    }
    std::string decoded;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : *digits) {
        const std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6U | static_cast<std::uint32_t>(value)) & 0xFFFFU;
        count += 6;
        if (count >= 8) {
            count -= 8;
            decoded += static_cast<char>(static_cast<unsigned char>(bits >> count));
        }
    }
    const bool rest_is_zero = (bits & ((1U << count) - 1U)) == 0;
    return rest_is_zero ? std::optional{std::move(decoded)} : std::nullopt;
}

std::string encode_base64(ByteSpan bytes) {
    std::string text;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const std::byte byte : bytes) {
        bits = (bits << 8U | std::to_integer<std::uint32_t>(byte)) & 0xFFFFU;
        for (count += 8; count >= 6;) {
            count -= 6;
            text += alphabet[bits >> count & 0x3FU];
        }
    }
    if (count > 0) {
        text += alphabet[bits << (6 - count) & 0x3FU];
    }
    return text;
}

}   // namespace millrace::control
