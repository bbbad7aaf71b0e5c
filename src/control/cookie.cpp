#include "control/cookie.hpp"

#include "base/hex.hpp"

#include <fmt/format.h>

#include <charconv>

namespace millrace::control {

namespace {

constexpr std::string_view user_prefix = "user ";
constexpr std::string_view token_prefix = "token ";

Digest signature(const Digest& key, std::string_view text) {
    return hmac_sha256(key, "cookie " + std::string{text});
}

/// Takes the last field and its colon off `text`.
std::string_view take_last(std::string_view& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return {};
    }
    const std::string_view field = text.substr(colon + 1);
    text.remove_suffix(field.size() + 1);
    return field;
}

template <class T>
std::optional<T> number(std::string_view text, int base) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

}   // namespace

std::string sign_cookie(const Digest& key, const hub::Identity& identity, WallTime expires) {
    const bool user = identity.name.starts_with(user_prefix);
    const std::string name = identity.name.substr(user ? user_prefix.size() : token_prefix.size());
    const std::string text =
        fmt::format("{}:{}:{:x}:{}", user ? 'u' : 't', name, identity.credential, expires.seconds());
    return text + ':' + hex_text(signature(key, text));
}

std::optional<hub::Identity> read_cookie(const Digest& key, std::string_view cookie, WallTime now) {
    const auto signed_by = parse_digest(take_last(cookie));
    if (!signed_by || !same_in_constant_time(*signed_by, signature(key, cookie))) {
        return std::nullopt;
    }
    const auto expires = number<std::int64_t>(take_last(cookie), 10);
    const auto credential = number<std::uint64_t>(take_last(cookie), 16);
    const bool known = cookie.starts_with("u:") || cookie.starts_with("t:");
    if (!expires || !credential || !known || now.seconds() >= *expires) {
        return std::nullopt;
    }
    const std::string_view prefix = cookie.starts_with('u') ? user_prefix : token_prefix;
    return hub::Identity{std::string{prefix} + std::string{cookie.substr(2)}, *credential};
}

std::string csrf_token_of(const Digest& key, std::string_view cookie) {
    return hex_text(hmac_sha256(key, "csrf " + std::string{cookie}));
}

}   // namespace millrace::control
