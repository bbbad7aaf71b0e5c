#pragma once

#include "base/result.hpp"
#include "base/ssl.hpp"

#include <memory>
#include <optional>
#include <string>

namespace millrace::net {

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
