#pragma once

#include "base/bytes.hpp"
#include "base/random.hpp"
#include "base/time.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::rtsp {

/// Digest access authentication, RFC 7616 and, for cameras, RFC 2617.
enum class DigestAlgorithm : std::uint8_t { md5, sha256 };

/// Longer credentials are refused unread.
inline constexpr std::size_t credentials_size_max = 4'096;
inline constexpr std::size_t user_size_max = 256;

/// Lower-case hexadecimal.
std::string digest_hex(DigestAlgorithm algorithm, std::string_view text);

/// What a server asked: a WWW-Authenticate of scheme Digest.
struct DigestChallenge {
    std::string realm;
    std::string nonce;
    std::string opaque;
    DigestAlgorithm algorithm = DigestAlgorithm::md5;
    bool auth = false;    ///< qop "auth" is offered
    bool stale = false;   ///< the password was right, the nonce too old
};
/// Nothing for other schemes, algorithms and qualities that we do not have, and without a nonce.
std::optional<DigestChallenge> read_challenge(std::string_view header);
std::string write(const DigestChallenge& challenge);

/// What a client answered.
struct DigestCredentials {
    std::string user;
    std::string realm;
    std::string nonce;
    std::string uri;
    std::string response;
    std::string cnonce;
    std::string opaque;
    std::string nonce_count;   ///< eight hexadecimal digits
    bool auth = false;         ///< with qop "auth"
    DigestAlgorithm algorithm = DigestAlgorithm::md5;
};
/// Nothing for another scheme, broken syntax, or what is too long.
std::optional<DigestCredentials> read_credentials(std::string_view header);
std::string write(const DigestCredentials& credentials);

/// H(user:realm:password), all that a server needs to keep of a password.
std::string digest_secret(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                          std::string_view password);
/// What is hashed behind the secret: a response is H(secret:tail).
std::string digest_tail(const DigestCredentials& credentials, std::string_view method);
/// The response that proves the secret for this method.
std::string digest_response(const DigestCredentials& credentials, std::string_view secret,
                            std::string_view method);
/// In constant time. The caller has compared realm and nonce, and the URI with what was asked.
bool proves(const DigestCredentials& credentials, std::string_view secret, std::string_view method);

/// The nonces of a server: made of a moment and a key, so that none is kept. One owner; one thread.
class DigestNonces {
public:
    static constexpr Duration lifetime = 5min;
    enum class Age : std::uint8_t { fresh, stale, foreign };

    explicit DigestNonces(Random& random) { random.fill(key_); }
    std::string make(Instant now) const;
    Age age(std::string_view nonce, Instant now) const;

private:
    std::string signature(std::string_view moment) const;

    std::array<std::byte, 32> key_{};
};

/// "Basic …" of RFC 7617, for clients.
std::string basic_credentials(std::string_view user, std::string_view password);

}   // namespace millrace::rtsp
