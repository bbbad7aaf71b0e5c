#include "net/tls.hpp"

#include "net/socket_address.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace millrace::net {

namespace {

constexpr const char* ciphers_of_tls13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// No finite fields: their largest groups cost the server far more than the one who asks for them.
constexpr const char* groups = "X25519:P-256:P-384";
constexpr const char* ciphers_of_tls12 = "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20";

[[noreturn]] void refuse(const std::string& why) {
    ERR_clear_error();
    throw std::runtime_error(why);
}

UniqueSslContext make_context(const SSL_METHOD* method) {
    UniqueSslContext context{SSL_CTX_new(method)};
    if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context.get(), ciphers_of_tls13) != 1 ||
        SSL_CTX_set_cipher_list(context.get(), ciphers_of_tls12) != 1 ||
        SSL_CTX_set1_groups_list(context.get(), groups) != 1) {
        refuse("TLS cannot be set up: this OpenSSL lacks what Millrace needs (TLS 1.2, AES-GCM)");
    }
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // 14 KB instead of 48 KB a connection; and one record at a time, from wherever its bytes are now.
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    // Tickets keep the state at the client; a cache here would only grow.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

void check_readable(const std::string& path, const char* what) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"), &std::fclose};
    if (file == nullptr) {
        refuse(fmt::format("cannot read the {} {}: {}", what, path, std::strerror(errno)));
    }
}

/// OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*argument*/) {
    return -1;
}

int matches_pin(X509_STORE_CTX* chain, void* trust) {
    return static_cast<int>(shows_pinned(chain, *static_cast<const TlsClient::Trust*>(trust)->pin));
}

}   // namespace

TlsServer::TlsServer(const Files& files) : context_{make_context(TLS_server_method())} {
    SSL_CTX* const context = context_.get();
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    check_readable(files.certificate, "certificate");
    check_readable(files.key, "key");
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
        refuse(fmt::format("{} holds no usable PEM certificate (\"BEGIN CERTIFICATE\")", files.certificate));
    }
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
            refuse(fmt::format("the key {} does not belong to the certificate {}", files.key,
                               files.certificate));
        }
        refuse(fmt::format("{} holds no usable PEM key (it must have no passphrase)", files.key));
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        refuse(fmt::format("the key {} does not belong to the certificate {}", files.key, files.certificate));
    }
}

Result<UniqueSsl> TlsServer::accept(int socket) const {
    UniqueSsl ssl{SSL_new(context_.get())};
    if (ssl == nullptr || SSL_set_fd(ssl.get(), socket) != 1) {
        ERR_clear_error();
        return fail(Errc::exhausted, "no memory for TLS");
    }
    SSL_set_accept_state(ssl.get());
    return ssl;
}

TlsClient::TlsClient(const Trust& trust) : context_{make_context(TLS_client_method())}, trust_{trust} {
    SSL_CTX* const context = context_.get();
    if (trust_.anyone) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
        return;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (trust_.pin) {
        SSL_CTX_set_cert_verify_callback(context, matches_pin, &trust_);
    } else if (trust_.authorities.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else {
        check_readable(trust_.authorities, "file of certificate authorities");
        if (SSL_CTX_load_verify_locations(context, trust_.authorities.c_str(), nullptr) != 1) {
            refuse(fmt::format("{} holds no usable PEM certificate", trust_.authorities));
        }
    }
}

Result<UniqueSsl> TlsClient::connect(int socket, const std::string& host) const {
    UniqueSsl ssl{SSL_new(context_.get())};
    if (ssl == nullptr || SSL_set_fd(ssl.get(), socket) != 1) {
        ERR_clear_error();
        return fail(Errc::exhausted, "no memory for TLS");
    }
    SSL_set_connect_state(ssl.get());
    const bool numeric = SocketAddress::parse({host, 0}).has_value();
    // RFC 6066 §3: an address is not a server name.
    const bool named = numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str()) == 1
                               : SSL_set1_host(ssl.get(), host.c_str()) == 1 &&
                                     SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
    if (!named) {
        ERR_clear_error();
        return fail(Errc::malformed, "not a name a certificate could be for");
    }
    return ssl;
}

}   // namespace millrace::net
