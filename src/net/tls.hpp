#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace millrace::net {

/// Gives OpenSSL's objects back.
struct FreeSsl {
    void operator()(ssl_st* ssl) const;
    void operator()(ssl_ctx_st* context) const;
};
/// One conversation's TLS state, and what many share. OpenSSL keeps the shared part while one uses it.
using UniqueSsl = std::unique_ptr<ssl_st, FreeSsl>;
using UniqueSslContext = std::unique_ptr<ssl_ctx_st, FreeSsl>;

/// Who we are to TLS clients: a certificate chain and its key, TLS 1.2 or later, AES-128-GCM first.
/// Immutable; any thread.
class TlsServer {
public:
    struct Files {
        std::string certificate;   ///< PEM, the leaf first, then its chain
        std::string key;           ///< PEM, without a passphrase
    };
    /// Throws std::runtime_error that says which file is wrong, and how.
    explicit TlsServer(const Files& files);

    /// TLS for an accepted socket.
    Result<UniqueSsl> accept(int socket) const;

private:
    UniqueSslContext context_;
};

using CertificateDigest = std::array<std::byte, 32>;   ///< SHA-256 of the DER form

/// Whom we believe as a TLS client. Immutable; any thread; it outlives the handshakes it makes.
class TlsClient {
public:
    struct Trust {
        std::string authorities = {};                ///< PEM file instead of the system's, if not empty
        std::optional<CertificateDigest> pin = {};   ///< exactly this certificate, whoever signed it
        bool anyone = false;                         ///< no check at all: for tests and load generation
    };
    TlsClient() : TlsClient(Trust{}) {}
    /// Throws std::runtime_error if the file of authorities cannot be used.
    explicit TlsClient(const Trust& trust);
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    /// TLS for a connected socket to `host`, a name or a numeric address the certificate must be for.
    Result<UniqueSsl> connect(int socket, const std::string& host) const;

private:
    UniqueSslContext context_;
    Trust trust_;
};

}   // namespace millrace::net
