#include "protocol/link/dtls.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <cstring>

namespace millrace::link {

namespace {

constexpr const char* ciphers = "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE-PSK-CHACHA20-POLY1305";
constexpr const char* ciphers_of_psk = "ECDHE-PSK-CHACHA20-POLY1305";
constexpr const char* groups = "X25519:P-256";
constexpr std::size_t certificates_max = 16U << 10U;   // bytes of a chain
constexpr std::size_t record_header = 13;              // RFC 6347 §4.1
constexpr std::size_t message_max = 2'048;

/// OpenSSL would send its handshake again by the real clock; an hour from now is never.
unsigned int never_again(SSL* /*ssl*/, unsigned int /*before_us*/) {
    return 3'600'000'000U;
}

UniqueSslContext make_context(const SSL_METHOD* method, const char* wanted_ciphers) {
    UniqueSslContext context{SSL_CTX_new(method)};
    if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), DTLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context.get(), wanted_ciphers) != 1 ||
        SSL_CTX_set1_groups_list(context.get(), groups) != 1) {
        return nullptr;
    }
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                           SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context.get(), certificates_max);
    return context;
}

UniqueSsl make_ssl(SSL_CTX* context) {
    UniqueSsl ssl{SSL_new(context)};
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    if (ssl == nullptr || in == nullptr || out == nullptr) {
        BIO_free(in);
        BIO_free(out);
        return nullptr;
    }
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl.get(), in, out);
    SSL_set_mtu(ssl.get(), static_cast<long>(Dtls::datagram_max));
    DTLS_set_timer_cb(ssl.get(), never_again);
    return ssl;
}

void put(BIO* into, ByteSpan bytes) {
    if (!bytes.empty()) {
        BIO_write(into, bytes.data(), static_cast<int>(bytes.size()));
    }
}

/// What was written, cut between records, for memory keeps no borders: as many in a datagram as fit.
std::vector<std::vector<std::byte>> datagrams_of(BIO* from) {
    std::vector<std::byte> all(BIO_ctrl_pending(from));
    if (!all.empty()) {
        BIO_read(from, all.data(), static_cast<int>(all.size()));
    }
    std::vector<std::vector<std::byte>> datagrams;
    for (ByteSpan rest{all}; rest.size() >= record_header;) {
        const std::size_t size = record_header + (std::to_integer<std::size_t>(rest[11]) << 8U |
                                                  std::to_integer<std::size_t>(rest[12]));
        const ByteSpan record = rest.first(std::min(size, rest.size()));
        if (datagrams.empty() || datagrams.back().size() + record.size() > Dtls::datagram_max) {
            datagrams.emplace_back();
        }
        datagrams.back().insert(datagrams.back().end(), record.begin(), record.end());
        rest = rest.subspan(record.size());
    }
    return datagrams;
}

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(BIO_ADDR* address) const { BIO_ADDR_free(address); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Unique = std::unique_ptr<T, Free>;

Unique<BIO> reading(const std::string& text) {
    return Unique<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

std::optional<Fingerprint> digest_of(const X509* certificate) {
    Fingerprint digest{};
    unsigned int size = digest.size();
    if (certificate == nullptr ||
        X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size) != 1) {
        return std::nullopt;
    }
    return digest;
}

}   // namespace

std::string text_of(const Fingerprint& fingerprint) {
    std::string text;
    for (const std::byte byte : fingerprint) {
        text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    }
    return text;
}

std::optional<Fingerprint> fingerprint_in(std::string_view text) {
    Fingerprint read{};
    for (std::size_t i = 0; i < read.size(); ++i) {
        if (i > 0 && text.starts_with(':')) {
            text.remove_prefix(1);
        }
        unsigned byte = 0;
        const std::string_view digits = text.substr(0, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (error != std::errc{} || digits.size() != 2 || end != digits.data() + 2) {
            return std::nullopt;
        }
        read[i] = static_cast<std::byte>(byte);
        text.remove_prefix(2);
    }
    return text.empty() ? std::optional{read} : std::nullopt;
}

void FreeSsl::operator()(ssl_st* ssl) const {
    SSL_free(ssl);
}

void FreeSsl::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

Result<> Dtls::take(ByteSpan records, std::vector<std::vector<std::byte>>& said) {
    ERR_clear_error();
    put(SSL_get_rbio(ssl_.get()), records);
    if (!open_) {
        const int done = SSL_do_handshake(ssl_.get());
        if (done != 1) {
            const bool waits = SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ;
            ERR_clear_error();
            return waits ? Result<>{} : fail(Errc::refused, "the handshake of the link failed");
        }
        open_ = true;
    }
    std::array<std::byte, message_max> message;
    for (;;) {
        const int size = SSL_read(ssl_.get(), message.data(), static_cast<int>(message.size()));
        if (size <= 0) {
            const int why = SSL_get_error(ssl_.get(), size);
            ERR_clear_error();
            return why == SSL_ERROR_WANT_READ ? Result<>{} : fail(Errc::closed, "the peer ended the link");
        }
        said.emplace_back(message.begin(), message.begin() + size);
    }
}

Result<> Dtls::say(ByteSpan message) {
    ERR_clear_error();
    if (!open_ || message.size() > datagram_max ||
        SSL_write(ssl_.get(), message.data(), static_cast<int>(message.size())) <= 0) {
        ERR_clear_error();
        return fail(Errc::refused, "the link takes no such message now");
    }
    return {};
}

std::vector<std::vector<std::byte>> Dtls::next_output() {
    return datagrams_of(SSL_get_wbio(ssl_.get()));
}

std::string Dtls::psk_identity() const {
    const char* const identity = SSL_get_psk_identity(ssl_.get());
    return identity == nullptr ? std::string{} : std::string{identity};
}

Result<Identity> make_identity(const std::string& name) {
    constexpr long validity = 20L * 365 * 24 * 3600;
    const Unique<EVP_PKEY> key{EVP_EC_gen("P-256")};
    const Unique<X509> made{X509_new()};
    const Unique<BIO> certificate_text{BIO_new(BIO_s_mem())};
    const Unique<BIO> key_text{BIO_new(BIO_s_mem())};
    if (key == nullptr || made == nullptr || certificate_text == nullptr || key_text == nullptr) {
        return fail(Errc::io, "OpenSSL made no certificate");
    }
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -24L * 3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), validity);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    if (X509_sign(made.get(), key.get(), EVP_sha256()) == 0 ||
        PEM_write_bio_X509(certificate_text.get(), made.get()) != 1 ||
        PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        ERR_clear_error();
        return fail(Errc::io, "OpenSSL made no certificate");
    }
    const auto text = [](BIO* from) {
        std::string all(BIO_ctrl_pending(from), '\0');
        BIO_read(from, all.data(), static_cast<int>(all.size()));
        return all;
    };
    return Identity{text(certificate_text.get()), text(key_text.get())};
}

Result<Fingerprint> fingerprint_of(const std::string& certificate) {
    // The bytes alone: to read what they say costs OpenSSL a megabyte.
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* der = nullptr;
    long size = 0;
    const bool read = PEM_read_bio(reading(certificate).get(), &name, &header, &der, &size) == 1;
    const bool is_certificate = read && std::string_view{name} == PEM_STRING_X509;
    Fingerprint digest{};
    const bool done = is_certificate && EVP_Digest(der, static_cast<std::size_t>(size),
                                                   reinterpret_cast<unsigned char*>(digest.data()), nullptr,
                                                   EVP_sha256(), nullptr) == 1;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    ERR_clear_error();
    return done ? Result<Fingerprint>{digest} : fail(Errc::malformed, "it is no PEM certificate");
}

Result<std::unique_ptr<DtlsServer>> DtlsServer::make(Identity identity, Keys psks, Random& random) {
    std::unique_ptr<DtlsServer> server = make_later(std::move(identity), std::move(psks), random);
    if (const Result<> read = server->read_identity(); !read) {
        return std::unexpected(read.error());
    }
    return server;
}

std::unique_ptr<DtlsServer> DtlsServer::make_later(Identity identity, Keys psks, Random& random) {
    return std::unique_ptr<DtlsServer>{new DtlsServer{std::move(identity), std::move(psks), random}};
}

Result<> DtlsServer::read_identity() {
    const Identity identity = *std::exchange(identity_, std::nullopt);
    UniqueSslContext made = make_context(DTLS_server_method(), ciphers);
    SSL_CTX* const context = made.get();
    const Unique<BIO> certificates = reading(identity.certificate);
    const Unique<X509> certificate{PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)};
    const Unique<EVP_PKEY> key{
        PEM_read_bio_PrivateKey(reading(identity.key).get(), nullptr, nullptr, nullptr)};
    const bool good = context != nullptr && certificate != nullptr && key != nullptr &&
                      SSL_CTX_use_certificate(context, certificate.get()) == 1 &&
                      SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
                      SSL_CTX_check_private_key(context) == 1;
    ERR_clear_error();
    if (!good) {
        return fail(Errc::malformed, "no PEM certificate and key that belong together");
    }
    // Those that signed it, up to where an authority is known.
    while (Unique<X509> next{PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)}) {
        SSL_CTX_add1_chain_cert(context, next.get());
    }
    ERR_clear_error();
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_cookie_generate_cb(context, &DtlsServer::write_cookie);
    SSL_CTX_set_cookie_verify_cb(context, &DtlsServer::check_cookie);
    SSL_CTX_set_psk_server_callback(context, &DtlsServer::find_psk);
    context_ = std::move(made);
    return {};
}

DtlsServer& DtlsServer::of(ssl_st* ssl) {
    return *static_cast<DtlsServer*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

void DtlsServer::renew_secrets(Instant now) {
    if (renewed_at_ != Instant::never() && now - renewed_at_ < cookie_lifetime) {
        return;
    }
    // Nobody holds a cookie of a secret that is all zeros: both are made at first.
    if (renewed_at_ == Instant::never()) {
        random_.fill(secrets_[0]);
    }
    secrets_[1] = secrets_[0];
    random_.fill(secrets_[0]);
    renewed_at_ = now;
}

DtlsServer::Cookie DtlsServer::cookie(const std::array<std::byte, 32>& secret) const {
    Cookie made{};
    unsigned int size = made.size();
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(asker_.data()), asker_.size(), made.data(), &size);
    return made;
}

int DtlsServer::write_cookie(ssl_st* ssl, unsigned char* into, unsigned int* size) {
    const DtlsServer& server = of(ssl);
    const Cookie made = server.cookie(server.secrets_[0]);
    std::ranges::copy(made, into);
    *size = made.size();
    return 1;
}

int DtlsServer::check_cookie(ssl_st* ssl, const unsigned char* shown, unsigned int size) {
    const DtlsServer& server = of(ssl);
    return static_cast<int>(std::ranges::any_of(server.secrets_, [&](const auto& secret) {
        const Cookie made = server.cookie(secret);
        return size == made.size() && CRYPTO_memcmp(made.data(), shown, size) == 0;
    }));
}

unsigned int DtlsServer::find_psk(ssl_st* ssl, const char* identity, unsigned char* into,
                                  unsigned int size_max) {
    const DtlsServer& server = of(ssl);
    const auto found = server.psks_.find(std::string_view{identity == nullptr ? "" : identity});
    if (found == server.psks_.end() || found->second.size() > size_max) {
        return 0;
    }
    std::memcpy(into, found->second.data(), found->second.size());
    return static_cast<unsigned int>(found->second.size());
}

DtlsServer::Heard DtlsServer::hear(const PeerAddress& from, std::uint64_t id, ByteSpan record, Instant now) {
    renew_secrets(now);
    asker_.clear();
    for (const std::uint8_t byte : from.ip()) {
        asker_.push_back(static_cast<std::byte>(byte));
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        asker_.push_back(static_cast<std::byte>(id >> shift));
    }
    asker_.push_back(static_cast<std::byte>(from.port() >> 8U));
    asker_.push_back(static_cast<std::byte>(from.port()));
    Heard heard;
    if (identity_) {
        (void)read_identity();   // of our own making: it is good
    }
    if (context_ == nullptr) {
        return heard;
    }
    UniqueSsl ssl = make_ssl(context_.get());
    const Unique<BIO_ADDR> nobody{BIO_ADDR_new()};
    if (ssl == nullptr || nobody == nullptr) {
        ERR_clear_error();
        return heard;
    }
    put(SSL_get_rbio(ssl.get()), record);
    SSL_set_accept_state(ssl.get());
    const int listened = DTLSv1_listen(ssl.get(), nobody.get());
    ERR_clear_error();
    if (listened > 0) {
        heard.begun.emplace(std::move(ssl));
        return heard;
    }
    heard.answer = datagrams_of(SSL_get_wbio(ssl.get()));
    std::size_t size = 0;
    for (const auto& datagram : heard.answer) {
        size += datagram.size();
    }
    if (size > record.size()) {
        heard.answer.clear();   // no amplification
    }
    return heard;
}

Result<std::unique_ptr<DtlsClient>> DtlsClient::make(Trust trust) {
    std::unique_ptr<DtlsClient> client{new DtlsClient{std::move(trust)}};
    const Trust& whom = client->trust_;
    client->context_ = make_context(DTLS_client_method(), whom.psk ? ciphers_of_psk : ciphers);
    SSL_CTX* const context = client->context_.get();
    if (context == nullptr) {
        ERR_clear_error();
        return fail(Errc::unsupported, "this OpenSSL has no DTLS 1.2 with AES-GCM");
    }
    SSL_CTX_set_app_data(context, client.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, &DtlsClient::believe, client.get());
    if (whom.psk) {
        SSL_CTX_set_psk_client_callback(
            context, [](SSL* ssl, const char* /*hint*/, char* identity, unsigned int identity_max,
                        unsigned char* key, unsigned int key_max) {
                const Psk& psk =
                    *static_cast<const DtlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->trust_.psk;
                if (psk.identity.size() >= identity_max || psk.key.size() > key_max) {
                    return 0U;
                }
                std::memcpy(identity, psk.identity.c_str(), psk.identity.size() + 1);
                std::memcpy(key, psk.key.data(), psk.key.size());
                return static_cast<unsigned int>(psk.key.size());
            });
    } else if (whom.pin) {
        // No authority is asked: their certificates are half a megabyte for each call.
    } else if (whom.authorities.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else if (SSL_CTX_load_verify_locations(context, whom.authorities.c_str(), nullptr) != 1) {
        ERR_clear_error();
        return fail(Errc::malformed, "the file of authorities holds no PEM certificate");
    }
    return client;
}

/// Exactly the pinned certificate, or one that an authority signed for the host.
int DtlsClient::believe(X509_STORE_CTX* chain, void* client) {
    auto& self = *static_cast<DtlsClient*>(client);
    const std::optional<Fingerprint> shown = digest_of(X509_STORE_CTX_get0_cert(chain));
    if (shown && self.trust_.pin == shown) {
        return 1;
    }
    if (self.trust_.pin) {
        X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    } else if (X509_verify_cert(chain) == 1) {
        return 1;
    }
    self.doubted_ = shown;
    self.why_ = X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain));
    return 0;
}

std::string DtlsClient::doubts() const {
    if (trust_.psk) {
        return "the server is not there, or it has another key for this identity, or none (kcp.psk_file)";
    }
    if (!doubted_) {
        return {};
    }
    const std::string shown = text_of(*doubted_);
    return trust_.pin ? fmt::format(
                            "the server shows another certificate than fingerprint= names; its SHA-256 is "
                            "{}: compare it with what the server printed at its start",
                            shown)
                      : fmt::format(
                            "the server's certificate is not believed ({}); if {} is the SHA-256 that the "
                            "server printed at its start, add fingerprint={} to the address",
                            why_, shown, shown);
}

Result<Dtls> DtlsClient::connect() const {
    UniqueSsl ssl = make_ssl(context_.get());
    if (ssl == nullptr) {
        return fail(Errc::exhausted, "no memory for DTLS");
    }
    const bool by_name = !trust_.psk && !trust_.pin;
    if (by_name) {
        X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl.get());
        const bool set = X509_VERIFY_PARAM_set1_ip_asc(wanted, trust_.host.c_str()) == 1 ||
                         SSL_set1_host(ssl.get(), trust_.host.c_str()) == 1;
        ERR_clear_error();
        if (!set || trust_.host.empty()) {
            return fail(Errc::malformed, "no host whose certificate could be checked");
        }
    }
    SSL_set_connect_state(ssl.get());
    return Dtls{std::move(ssl)};
}

}   // namespace millrace::link
