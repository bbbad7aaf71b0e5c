#include "base/base64.hpp"

#include <cstdint>

namespace millrace {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::uint32_t> value_of(char sign) {
    // §5: the alphabet for URLs and file names.
    const std::size_t at = alphabet.find(sign == '-' ? '+' : sign == '_' ? '/' : sign);
    return at == std::string_view::npos ? std::nullopt : std::optional{static_cast<std::uint32_t>(at)};
}

}   // namespace

std::string encode_base64(ByteSpan bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8U | (at + i < bytes.size() ? static_cast<std::uint32_t>(bytes[at + i]) : 0U);
        }
        const std::size_t signs = std::min<std::size_t>(bytes.size() - at, 3) + 1;
        for (std::size_t i = 0; i < 4; ++i) {
            text += i < signs ? alphabet[group >> (18 - 6 * i) & 0x3FU] : '=';
        }
    }
    return text;
}

std::optional<std::vector<std::byte>> decode_base64_loosely(std::string_view text) {
    std::vector<std::byte> bytes;
    std::uint32_t group = 0;
    std::size_t signs = 0;
    bool padded = false;
    for (const char sign : text) {
        if (sign == ' ' || sign == '\r' || sign == '\n' || sign == '\t') {
            continue;
        }
        if (sign == '=') {
            padded = true;
            continue;
        }
        const std::optional<std::uint32_t> value = value_of(sign);
        if (!value || padded) {
            return std::nullopt;
        }
        group = (group << 6U | *value) & 0xFFFFFFU;
        if (++signs % 4 != 1) {
            const std::size_t unused = 6 - 2 * ((signs - 1) % 4);
            bytes.push_back(static_cast<std::byte>(group >> unused & 0xFFU));
        }
    }
    if (signs % 4 == 1) {
        return std::nullopt;
    }
    return bytes;
}

}   // namespace millrace
