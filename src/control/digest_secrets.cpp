#include "control/digest_secrets.hpp"

#include "base/check.hpp"
#include "base/hex.hpp"
#include "control/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

namespace millrace::control {

namespace {

using Hash = hub::DigestProof::Hash;

std::string hashed(Hash hash, std::string_view text) {
    std::array<std::byte, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const int done = EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()),
                                &size, hash == Hash::md5 ? EVP_md5() : EVP_sha256(), nullptr);
    check(done == 1, "MD5 and SHA-256 are there");
    return hex_text(ByteSpan{digest}.first(size));
}

}   // namespace

DigestSecrets digest_secrets_of(std::string_view user, std::string_view password) {
    const std::string text = fmt::format("{}:{}:{}", user, hub::digest_realm, password);
    return {.md5 = hashed(Hash::md5, text), .sha256 = hashed(Hash::sha256, text)};
}

bool proves(const hub::DigestProof& proof, const DigestSecrets& secrets) {
    const std::string& secret = proof.hash == Hash::md5 ? secrets.md5 : secrets.sha256;
    const std::string expected = hashed(proof.hash, fmt::format("{}:{}", secret, proof.tail));
    return same_in_constant_time(as_bytes(expected), as_bytes(proof.response)) && !secret.empty();
}

}   // namespace millrace::control
