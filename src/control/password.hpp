#pragma once

#include "base/random.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::control {

/// What an Argon2id costs (RFC 9106): memory, passes over it, and lanes.
struct HashCost {
    std::uint32_t memory_kib = 19U << 10U;
    std::uint32_t passes = 2;
    std::uint32_t lanes = 1;
};

/// The hash of a password as configurations keep it:
///
///     $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH      salt and hash in base64 without padding
///
/// Only what costs at most `memory_kib_max`, `passes_max` and `lanes_max` is taken. Immutable, any thread.
class PasswordHash {
public:
    static constexpr std::uint32_t memory_kib_max = 256U << 10U;
    static constexpr std::uint32_t passes_max = 16;
    static constexpr std::uint32_t lanes_max = 4;
    static constexpr std::size_t text_size_max = 512;
    static constexpr std::size_t password_size_max = 1024;

    static Result<PasswordHash> parse(std::string_view text);
    /// A new salt each time. It takes tens of milliseconds, as `matches` does: off the executors.
    static Result<PasswordHash> of(std::string_view password, Random& random, HashCost cost = {});

    /// Whether it is the hash of `password`; in constant time. Errc::exhausted: no memory to find out.
    Result<bool> matches(std::string_view password) const;

    const std::string& text() const { return text_; }

private:
    explicit PasswordHash(std::string_view text) : text_{text} {}
    std::string text_;
};

/// A password for people to copy: `size` letters and digits that nobody takes for one another (five bits
/// each).
std::string random_password(Random& random, std::size_t size = 24);

}   // namespace millrace::control
