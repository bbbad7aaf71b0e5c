#pragma once

#include "base/bytes.hpp"
#include "base/peer_address.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/ssl.hpp"
#include "base/time.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::link {

using Fingerprint = CertificateDigest;
/// 64 hexadecimal digits in lower case.
std::string text_of(const Fingerprint& fingerprint);
/// Either case, colons between bytes or none; nothing: it is no SHA-256.
std::optional<Fingerprint> fingerprint_in(std::string_view text);

/// One end of a DTLS 1.2 association (RFC 6347), without I/O and without a clock: whoever owns it sends its
/// handshake again. One thread. OpenSSL keeps about 40 KB for it, and at most 100 records that came too
/// early.
class Dtls {
public:
    /// A datagram of a handshake, without what is put in front of it.
    static constexpr std::size_t datagram_max = 1'200;
    /// What a message grows by: header, explicit nonce and tag of AES-GCM (RFC 5288, RFC 6347 §4.1).
    static constexpr std::size_t overhead = 13 + 8 + 16;

    explicit Dtls(UniqueSsl ssl) : ssl_{std::move(ssl)} {}

    /// The client's first flight is made. Then see `next_output`.
    Result<> begin() { return take({}, said_nothing_); }
    /// A datagram of the peer. What it says inside is put behind `said`; what does not authenticate, or came
    /// before, says nothing. Errc::refused: the handshake failed, closed: the peer ended it. A client that
    /// shows another key than ours is refused by an alert, which OpenSSL by itself would not say.
    Result<> take(ByteSpan records, std::vector<std::vector<std::byte>>& said);
    bool is_open() const { return open_; }
    /// A message into a record. Only once it is open; at most `datagram_max` bytes.
    Result<> say(ByteSpan message);
    /// Datagrams to send.
    std::vector<std::vector<std::byte>> next_output();

    /// Of a handshake by a key that both ends had; empty: it was by certificate.
    std::string psk_identity() const;

private:
    Result<> shake_hands(ByteSpan records);

    UniqueSsl ssl_;
    bool open_ = false;
    bool refuses_ = false;   // by an alert that OpenSSL does not say
    std::vector<std::vector<std::byte>> said_nothing_;
};

/// One end of TLS 1.2 or later, without I/O: what `Dtls` is where UDP does not get through. One thread; 40
/// KB.
class Tls {
public:
    explicit Tls(UniqueSsl ssl) : ssl_{std::move(ssl)} {}

    /// Bytes of the peer; none: the client's first flight is made. What it says inside is put behind `said`.
    /// Errc::refused: the handshake failed, closed: the peer ended it, malformed: these are no records.
    Result<> take(ByteSpan bytes, std::vector<std::byte>& said);
    bool is_open() const { return open_; }
    /// Only once it is open.
    Result<> say(ByteSpan bytes);
    /// Bytes to send; empty: none.
    std::vector<std::byte> next_output();
    /// Of a handshake by a key that both ends had; empty: it was by certificate.
    std::string psk_identity() const;

private:
    UniqueSsl ssl_;
    bool open_ = false;
};

/// A certificate, with those that signed it behind it, and its key as PEM texts.
struct Identity {
    std::string certificate;
    std::string key;
};
/// One for `name`, signed by itself with P-256, good for 20 years. Errc::io where OpenSSL cannot.
Result<Identity> make_identity(const std::string& name);
/// Of the first certificate in a PEM text. Errc::malformed: there is none.
Result<Fingerprint> fingerprint_of(const std::string& certificate);

/// What a server shows, and how strangers begin: nothing is kept of one before it has shown, by a cookie that
/// depends on its address, that it hears what is sent there (RFC 6347 §4.2.1). One thread; its sessions do
/// not outlive it.
class DtlsServer {
public:
    /// A cookie is good for so long, and up to twice as long.
    static constexpr Duration cookie_lifetime = 30s;
    using Keys = std::map<std::string, std::vector<std::byte>, std::less<>>;

    /// Errc::malformed: no PEM certificate and key that belong together.
    static Result<std::unique_ptr<DtlsServer>> make(Identity identity, Keys psks, Random& random);
    /// The same, but the identity, which is one of our own making, is read when somebody calls: OpenSSL takes
    /// 2 MB to do so.
    static std::unique_ptr<DtlsServer> make_later(Identity identity, Keys psks, Random& random);

    /// From now on these prove who calls. A link that is open stays so.
    void use(Keys psks) { psks_ = std::move(psks); }

    struct Heard {
        std::vector<std::vector<std::byte>> answer;   ///< no more bytes than came
        std::optional<Dtls> begun;
    };
    /// The first words of somebody, from there, for an association of that number.
    Heard hear(const PeerAddress& from, std::uint64_t id, ByteSpan record, Instant now);
    /// The same certificate and keys for one who came by TCP. Errc::exhausted: no memory; malformed: see
    /// `is_broken`.
    Result<Tls> meet();
    /// Somebody called, and OpenSSL takes this certificate for none, or the key for another's.
    bool is_broken() const { return !identity_ && context_ == nullptr; }

private:
    DtlsServer(Identity identity, Keys psks, Random& random)
        : identity_{std::move(identity)}, psks_{std::move(psks)}, random_{random} {}
    /// Makes the contexts of the identity, which is then forgotten.
    Result<> read_identity();
    UniqueSslContext context_for(const Identity& identity, bool stream);

    using Cookie = std::array<unsigned char, 32>;
    Cookie cookie(const std::array<std::byte, 32>& secret) const;
    void renew_secrets(Instant now);
    static int write_cookie(ssl_st* ssl, unsigned char* into, unsigned int* size);
    static int check_cookie(ssl_st* ssl, const unsigned char* shown, unsigned int size);
    static unsigned int find_psk(ssl_st* ssl, const char* identity, unsigned char* into,
                                 unsigned int size_max);
    static DtlsServer& of(ssl_st* ssl);

    std::optional<Identity> identity_;   // until it is read
    UniqueSslContext context_;           // null: it was not read, or is none
    UniqueSslContext stream_context_;    // likewise, for TLS
    Keys psks_;
    Random& random_;
    std::array<std::array<std::byte, 32>, 2> secrets_{};   // the newest first
    Instant renewed_at_ = Instant::never();
    std::vector<std::byte> asker_;   // address and number, while `hear` runs
};

/// Whom a client believes, and who it is.
class DtlsClient {
public:
    struct Psk {
        std::string identity;
        std::vector<std::byte> key;
    };
    struct Trust {
        std::string host = {};                 ///< whom the certificate must name
        std::string authorities = {};          ///< PEM file instead of the system's, if not empty
        std::optional<Fingerprint> pin = {};   ///< exactly this certificate, whoever signed it
        std::optional<Psk> psk = {};           ///< no certificate: both ends know a key
    };

    enum class Carrier : std::uint8_t { datagrams, stream };

    /// Errc::malformed: the file of authorities cannot be read.
    static Result<std::unique_ptr<DtlsClient>> make(Trust trust, Carrier carrier = Carrier::datagrams);
    Result<Dtls> connect() const;
    /// Where it was made for a stream.
    Result<Tls> connect_stream() const;
    /// Why there is no link, which ended so, and what to do, in words; empty: it was not for who the server
    /// is.
    std::string doubts(const Error& ending) const;

private:
    explicit DtlsClient(Trust trust) : trust_{std::move(trust)} {}
    static int believe(x509_store_ctx_st* chain, void* client);
    /// The certificate is to be for that host, where one is asked for.
    Result<> expect_host(ssl_st* ssl) const;

    UniqueSslContext context_;
    Trust trust_;
    std::optional<Fingerprint> doubted_;   // what was shown and not believed
    std::string why_;                      // in OpenSSL's words
};

}   // namespace millrace::link
