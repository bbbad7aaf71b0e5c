#pragma once

#include "hub/admission.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::control {

/// What is kept of a password for Digest access (RFC 7616 §3.4.2): H(user:realm:password), in lower-case
/// hexadecimal, for each hash that clients know; empty: not for that one. Whoever has it needs no password.
struct DigestSecrets {
    static constexpr std::size_t md5_digits = 32;
    static constexpr std::size_t sha256_digits = 64;

    std::string md5;
    std::string sha256;

    explicit operator bool() const { return !md5.empty() || !sha256.empty(); }
    /// All of it, to see whether it changed.
    std::string text() const { return md5 + '\n' + sha256; }
};

/// In the realm of this node.
DigestSecrets digest_secrets_of(std::string_view user, std::string_view password);

/// Whether the proof comes from one of these. It takes the same time where there are none.
bool proves(const hub::DigestProof& proof, const DigestSecrets& secrets);

}   // namespace millrace::control
