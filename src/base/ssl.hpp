#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

// What `net` (TLS over sockets) and `protocol/link` (DTLS and TLS over memory) both need of OpenSSL, without
// its headers.

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct x509_store_ctx_st;

namespace millrace {

/// Gives OpenSSL's objects back.
struct FreeSsl {
    void operator()(ssl_st* ssl) const;
    void operator()(ssl_ctx_st* context) const;
};
/// One conversation's TLS state, and what many share. OpenSSL keeps the shared part while one uses it.
using UniqueSsl = std::unique_ptr<ssl_st, FreeSsl>;
using UniqueSslContext = std::unique_ptr<ssl_ctx_st, FreeSsl>;

using CertificateDigest = std::array<std::byte, 32>;   ///< SHA-256 of the DER form

/// Nothing: there is no certificate, or no memory.
std::optional<CertificateDigest> digest_of(const x509_st* certificate);
/// Whether exactly this certificate was shown, whoever signed it; where not, OpenSSL is told that it is
/// rejected.
bool shows_pinned(x509_store_ctx_st* chain, const CertificateDigest& pin);

}   // namespace millrace
