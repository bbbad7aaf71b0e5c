#include "control/password.hpp"

#include "control/digest.hpp"

#include <argon2.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace millrace::control {

namespace {

constexpr std::string_view prefix = "$argon2id$v=19$m=";
constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";
constexpr std::size_t salt_size = 16;
constexpr std::size_t hash_size = 32;
// RFC 9106 §3.1, with an end.
constexpr std::size_t salt_size_min = 8;
constexpr std::size_t hash_size_min = 16;
constexpr std::size_t part_size_max = 64;

constexpr Error wrong{Errc::malformed, "a password is kept as the line that 'millrace password NAME' prints"};

/// Takes "19456," off `text`: a number from 1 to `max` and `end` behind it.
std::optional<std::uint32_t> take_number(std::string_view& text, std::string_view end, std::uint32_t max) {
    std::uint32_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto size = static_cast<std::size_t>(rest - text.data());
    if (error != std::errc{} || text.starts_with('0') || number > max ||
        !text.substr(size).starts_with(end)) {
        return std::nullopt;
    }
    text.remove_prefix(size + end.size());
    return number;
}

/// The bytes of base64 without padding.
std::optional<std::size_t> decoded_size(std::string_view text) {
    const std::string padded = std::string{text} + std::string((4 - text.size() % 4) % 4, '=');
    const auto decoded = decode_base64(padded);
    return decoded && text.find('=') == std::string_view::npos ? std::optional{decoded->size()}
                                                               : std::nullopt;
}

bool is_part(std::string_view text, std::size_t size_min) {
    const auto size = decoded_size(text);
    return size && *size >= size_min && *size <= part_size_max;
}

}   // namespace

Result<PasswordHash> PasswordHash::parse(std::string_view text) {
    const std::string_view whole = text;
    if (text.size() > text_size_max || !text.starts_with(prefix)) {
        return std::unexpected(wrong);
    }
    text.remove_prefix(prefix.size());
    const auto memory = take_number(text, ",t=", UINT32_MAX);
    const auto passes = memory ? take_number(text, ",p=", UINT32_MAX) : std::nullopt;
    const auto lanes = passes ? take_number(text, "$", UINT32_MAX) : std::nullopt;
    const std::size_t dollar = text.find('$');
    if (!lanes || dollar == std::string_view::npos || !is_part(text.substr(0, dollar), salt_size_min) ||
        !is_part(text.substr(dollar + 1), hash_size_min) || *memory < 8 * *lanes) {
        return std::unexpected(wrong);
    }
    if (*memory > memory_kib_max || *passes > passes_max || *lanes > lanes_max) {
        return fail(Errc::unsupported, "this hash costs too much: at most m=262144, t=16, p=4");
    }
    return PasswordHash{whole};
}

Result<PasswordHash> PasswordHash::of(std::string_view password, Random& random, HashCost cost) {
    if (password.size() > password_size_max || password.empty()) {
        return fail(Errc::malformed, "a password has 1 to 1024 bytes");
    }
    std::array<std::byte, salt_size> salt;
    std::array<std::byte, hash_size> hash;
    random.fill(salt);
    const int made = argon2id_hash_raw(cost.passes, cost.memory_kib, cost.lanes, password.data(),
                                       password.size(), salt.data(), salt.size(), hash.data(), hash.size());
    if (made != ARGON2_OK) {
        return fail(Errc::exhausted, "no memory to hash a password");
    }
    return parse(fmt::format("$argon2id$v=19$m={},t={},p={}${}${}", cost.memory_kib, cost.passes, cost.lanes,
                             encode_base64(salt), encode_base64(hash)));
}

Result<bool> PasswordHash::matches(std::string_view password) const {
    const int verified = argon2id_verify(text_.c_str(), password.data(), password.size());
    if (verified != ARGON2_OK && verified != ARGON2_VERIFY_MISMATCH) {
        return fail(Errc::exhausted, "no memory to check a password; try again");
    }
    return verified == ARGON2_OK;
}

std::string random_password(Random& random, std::size_t size) {
    static_assert(letters.size() == 32);
    std::string password(size, ' ');
    for (char& c : password) {
        c = letters[random.below(letters.size())];
    }
    return password;
}

}   // namespace millrace::control
