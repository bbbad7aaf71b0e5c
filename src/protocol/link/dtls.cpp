#include "protocol/link/dtls.hpp"

#include "base/byte_writer.hpp"
#include "protocol/link/openssl.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>
#include <algorithm>
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

UniqueSslContext make_context(const SSL_METHOD* method, const char* wanted_ciphers, bool stream) {
    UniqueSslContext context{SSL_CTX_new(method)};
    const int least = stream ? TLS1_2_VERSION : DTLS1_2_VERSION;
    if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), least) != 1 ||
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

UniqueSsl make_stream(SSL_CTX* context) {
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
    return ssl;
}

UniqueSsl make_ssl(SSL_CTX* context) {
    UniqueSsl ssl = make_stream(context);
    if (ssl != nullptr) {
        SSL_set_mtu(ssl.get(), static_cast<long>(Dtls::datagram_max));
        DTLS_set_timer_cb(ssl.get(), never_again);
    }
    return ssl;
}

std::string psk_identity_of(const SSL* ssl) {
    const char* const identity = SSL_get_psk_identity(ssl);
    return identity == nullptr ? std::string{} : std::string{identity};
}

void put(BIO* into, ByteSpan bytes) {
    if (!bytes.empty()) {
        BIO_write(into, bytes.data(), static_cast<int>(bytes.size()));
    }
}

/// Of the first of these, which are no fewer bytes than a header has (RFC 6347 §4.1).
std::size_t record_size(ByteSpan records) {
    return record_header +
           (std::to_integer<std::size_t>(records[11]) << 8U | std::to_integer<std::size_t>(records[12]));
}

/// What was written, cut between records, for memory keeps no borders: as many in a datagram as fit.
std::vector<std::vector<std::byte>> datagrams_of(BIO* from) {
    std::vector<std::byte> all(BIO_ctrl_pending(from));
    if (!all.empty()) {
        BIO_read(from, all.data(), static_cast<int>(all.size()));
    }
    std::vector<std::vector<std::byte>> datagrams;
    if (all.size() >= record_header && record_size(all) == all.size()) {
        datagrams.push_back(std::move(all));   // nearly always: one record
        return datagrams;
    }
    for (ByteSpan rest{all}; rest.size() >= record_header;) {
        const ByteSpan record = rest.first(std::min(record_size(rest), rest.size()));
        if (datagrams.empty() || datagrams.back().size() + record.size() > Dtls::datagram_max) {
            datagrams.emplace_back();
        }
        datagrams.back().insert(datagrams.back().end(), record.begin(), record.end());
        rest = rest.subspan(record.size());
    }
    return datagrams;
}

/// Whether there is a handshake record among these that was made with the keys of the handshake.
bool has_sealed_handshake(ByteSpan records) {
    constexpr auto handshake = std::byte{22};
    while (records.size() >= record_header) {
        if (records[0] == handshake && (records[3] != std::byte{0} || records[4] != std::byte{0})) {
            return true;
        }
        records = records.subspan(std::min(record_size(records), records.size()));
    }
    return false;
}

/// A fatal alert before there are keys (RFC 5246 §7.2.2), by a number that no flight of ours reaches.
constexpr std::string_view decrypt_error{"\x15\xFE\xFD\0\0\0\0\0\0\xFF\xFF\0\2\2\x33", 15};

}   // namespace

Result<> Dtls::take(ByteSpan records, std::vector<std::vector<std::byte>>& said) {
    ERR_clear_error();
    put(SSL_get_rbio(ssl_.get()), records);
    if (!open_) {
        const Result<> shaken = shake_hands(records);
        if (!shaken || !open_) {
            return shaken;
        }
    }
    std::array<std::byte, message_max> message;
    // Where nothing is left another call would only say so, which takes it as long as a short record.
    do {
        const int size = SSL_read(ssl_.get(), message.data(), static_cast<int>(message.size()));
        if (size <= 0) {
            const int why = SSL_get_error(ssl_.get(), size);
            ERR_clear_error();
            return why == SSL_ERROR_WANT_READ ? Result<>{} : fail(Errc::closed, "the peer ended the link");
        }
        said.emplace_back(message.begin(), message.begin() + size);
    } while (SSL_has_pending(ssl_.get()) != 0 || BIO_ctrl_pending(SSL_get_rbio(ssl_.get())) != 0);
    return {};
}

/// What is under way is in OpenSSL; `records` came last.
Result<> Dtls::shake_hands(ByteSpan records) {
    const int done = SSL_do_handshake(ssl_.get());
    const bool waits = done != 1 && SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    open_ = done == 1;
    // The keys are made, and what was to prove that both have the same was thrown away (RFC 6347 §4.1.2.7).
    refuses_ = waits && SSL_get_state(ssl_.get()) == TLS_ST_SR_CHANGE && has_sealed_handshake(records);
    return open_ || (waits && !refuses_) ? Result<>{}
                                         : fail(Errc::refused, "the handshake of the link failed");
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
    std::vector<std::vector<std::byte>> datagrams = datagrams_of(SSL_get_wbio(ssl_.get()));
    if (std::exchange(refuses_, false)) {
        // Twice: it is not said again.
        const ByteSpan alert = as_bytes(decrypt_error);
        datagrams.insert(datagrams.end(), 2, {alert.begin(), alert.end()});
    }
    return datagrams;
}

std::string Dtls::psk_identity() const {
    return psk_identity_of(ssl_.get());
}

Result<> Tls::take(ByteSpan bytes, std::vector<std::byte>& said) {
    ERR_clear_error();
    put(SSL_get_rbio(ssl_.get()), bytes);
    if (!open_) {
        const int done = SSL_do_handshake(ssl_.get());
        if (done != 1) {
            const bool waits = SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ;
            ERR_clear_error();
            return waits ? Result<>{} : fail(Errc::refused, "the handshake of the link failed");
        }
        open_ = true;
    }
    for (;;) {
        const std::size_t before = said.size();
        said.resize(before + SSL3_RT_MAX_PLAIN_LENGTH);
        const int size = SSL_read(ssl_.get(), said.data() + before, SSL3_RT_MAX_PLAIN_LENGTH);
        said.resize(before + static_cast<std::size_t>(std::max(size, 0)));
        if (size <= 0) {
            const int why = SSL_get_error(ssl_.get(), size);
            ERR_clear_error();
            return why == SSL_ERROR_WANT_READ     ? Result<>{}
                   : why == SSL_ERROR_ZERO_RETURN ? fail(Errc::closed, "the peer ended the link")
                                                  : fail(Errc::malformed, "the peer's TLS cannot be read");
        }
    }
}

Result<> Tls::say(ByteSpan bytes) {
    ERR_clear_error();
    if (!open_ || bytes.empty() ||
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) !=
            static_cast<int>(bytes.size())) {
        ERR_clear_error();
        return fail(Errc::refused, "the link takes no such message now");
    }
    return {};
}

std::vector<std::byte> Tls::next_output() {
    BIO* const from = SSL_get_wbio(ssl_.get());
    std::vector<std::byte> all(BIO_ctrl_pending(from));
    if (!all.empty()) {
        BIO_read(from, all.data(), static_cast<int>(all.size()));
    }
    return all;
}

std::string Tls::psk_identity() const {
    return psk_identity_of(ssl_.get());
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
    context_ = context_for(identity, false);
    stream_context_ = context_for(identity, true);
    ERR_clear_error();
    if (context_ == nullptr || stream_context_ == nullptr) {
        context_.reset();
        return fail(Errc::malformed, "no PEM certificate and key that belong together");
    }
    SSL_CTX_set_cookie_generate_cb(context_.get(), &DtlsServer::write_cookie);
    SSL_CTX_set_cookie_verify_cb(context_.get(), &DtlsServer::check_cookie);
    return {};
}

UniqueSslContext DtlsServer::context_for(const Identity& identity, bool stream) {
    UniqueSslContext made =
        make_context(stream ? TLS_server_method() : DTLS_server_method(), ciphers, stream);
    SSL_CTX* const context = made.get();
    const Unique<BIO> certificates = reading(identity.certificate);
    const Unique<X509> certificate{PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)};
    const Unique<EVP_PKEY> key{
        PEM_read_bio_PrivateKey(reading(identity.key).get(), nullptr, nullptr, nullptr)};
    if (context == nullptr || certificate == nullptr || key == nullptr ||
        SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
        return nullptr;
    }
    // Those that signed it, up to where an authority is known.
    while (Unique<X509> next{PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)}) {
        SSL_CTX_add1_chain_cert(context, next.get());
    }
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_psk_server_callback(context, &DtlsServer::find_psk);
    SSL_CTX_set_num_tickets(context, 0);
    return made;
}

Result<Tls> DtlsServer::meet() {
    if (identity_) {
        (void)read_identity();   // `is_broken` says how that went
    }
    if (is_broken()) {
        return fail(Errc::malformed, "this node has no certificate that it could show");
    }
    UniqueSsl ssl = make_stream(stream_context_.get());
    if (ssl == nullptr) {
        ERR_clear_error();
        return fail(Errc::exhausted, "no memory for TLS");
    }
    SSL_set_accept_state(ssl.get());
    return Tls{std::move(ssl)};
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
    ByteWriter asker{asker_};
    for (const std::uint8_t byte : from.ip()) {
        asker.u8(byte);
    }
    asker.u64(id);
    asker.u16(from.port());
    Heard heard;
    if (identity_) {
        (void)read_identity();   // `is_broken` says how that went
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
    if (BIO_ctrl_pending(SSL_get_wbio(ssl.get())) <= record.size()) {   // no amplification
        heard.answer = datagrams_of(SSL_get_wbio(ssl.get()));
    }
    return heard;
}

Result<std::unique_ptr<DtlsClient>> DtlsClient::make(Trust trust, Carrier carrier) {
    std::unique_ptr<DtlsClient> client{new DtlsClient{std::move(trust)}};
    const Trust& whom = client->trust_;
    const bool stream = carrier == Carrier::stream;
    client->context_ = make_context(stream ? TLS_client_method() : DTLS_client_method(),
                                    whom.psk ? ciphers_of_psk : ciphers, stream);
    SSL_CTX* const context = client->context_.get();
    if (context == nullptr) {
        ERR_clear_error();
        return fail(Errc::unsupported, "this OpenSSL has no DTLS 1.2 with AES-GCM");
    }
    SSL_CTX_set_app_data(context, client.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(context, &DtlsClient::believe, client.get());
    if (whom.psk) {
        // Of TLS 1.3 no callback tells the server whose key it was.
        SSL_CTX_set_max_proto_version(context, stream ? TLS1_2_VERSION : DTLS1_2_VERSION);
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
    if (self.trust_.pin ? shows_pinned(chain, *self.trust_.pin) : X509_verify_cert(chain) == 1) {
        return 1;
    }
    self.doubted_ = digest_of(X509_STORE_CTX_get0_cert(chain));
    self.why_ = X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain));
    return 0;
}

std::string DtlsClient::doubts(const Error& ending) const {
    if (trust_.psk) {
        return ending.code == Errc::refused
                   ? "the server has another key for this identity, or none (kcp.psk_file)"
                   : "the server is not there, or it has another key for this identity, or none "
                     "(kcp.psk_file)";
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

Result<> DtlsClient::expect_host(ssl_st* ssl) const {
    if (trust_.psk || trust_.pin) {
        return {};
    }
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
    const bool set = X509_VERIFY_PARAM_set1_ip_asc(wanted, trust_.host.c_str()) == 1 ||
                     SSL_set1_host(ssl, trust_.host.c_str()) == 1;
    ERR_clear_error();
    return set && !trust_.host.empty() ? Result<>{}
                                       : fail(Errc::malformed, "no host whose certificate could be checked");
}

Result<Dtls> DtlsClient::connect() const {
    UniqueSsl ssl = make_ssl(context_.get());
    if (ssl == nullptr) {
        return fail(Errc::exhausted, "no memory for DTLS");
    }
    if (const Result<> expected = expect_host(ssl.get()); !expected) {
        return std::unexpected(expected.error());
    }
    SSL_set_connect_state(ssl.get());
    return Dtls{std::move(ssl)};
}

Result<Tls> DtlsClient::connect_stream() const {
    UniqueSsl ssl = make_stream(context_.get());
    if (ssl == nullptr) {
        return fail(Errc::exhausted, "no memory for TLS");
    }
    if (const Result<> expected = expect_host(ssl.get()); !expected) {
        return std::unexpected(expected.error());
    }
    SSL_set_connect_state(ssl.get());
    return Tls{std::move(ssl)};
}

}   // namespace millrace::link
