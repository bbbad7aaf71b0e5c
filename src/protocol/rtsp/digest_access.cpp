#include "protocol/rtsp/digest_access.hpp"

#include "base/base64.hpp"
#include "base/web.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>

namespace millrace::rtsp {

namespace {

std::string hex(std::span<const unsigned char> bytes) {
    std::string text;
    for (const unsigned char byte : bytes) {
        text += fmt::format("{:02x}", byte);
    }
    return text;
}

bool equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t,");
    return from == std::string_view::npos ? std::string_view{} : text.substr(from);
}

struct Field {
    std::string name;
    std::string value;
};

/// name=value or name="value", by commas (RFC 9110 §11.2). Nothing where that is broken.
std::optional<std::vector<Field>> read_fields(std::string_view text) {
    constexpr std::size_t fields_max = 32;
    std::vector<Field> fields;
    for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos || fields.size() == fields_max) {
            return std::nullopt;
        }
        Field field{.name = std::string{text.substr(0, text.find_first_of(" \t="))}, .value = {}};
        text = trimmed(text.substr(equals + 1));
        if (!text.starts_with('"')) {
            const std::size_t end = std::min(text.find_first_of(", \t"), text.size());
            field.value = text.substr(0, end);
            text.remove_prefix(end);
        } else {
            std::size_t at = 1;
            for (; at < text.size() && text[at] != '"'; ++at) {
                at += text[at] == '\\' && at + 1 < text.size() ? 1 : 0;
                field.value += text[at];
            }
            if (at >= text.size()) {
                return std::nullopt;
            }
            text.remove_prefix(at + 1);
        }
        fields.push_back(std::move(field));
    }
    return fields;
}

std::string value_of(const std::vector<Field>& fields, std::string_view name) {
    const auto found =
        std::ranges::find_if(fields, [name](const Field& one) { return web::same_name(one.name, name); });
    return found == fields.end() ? std::string{} : found->value;
}

std::optional<std::vector<Field>> fields_of_digest(std::string_view header) {
    constexpr std::string_view scheme = "Digest ";
    header = trimmed(header);
    if (header.size() > credentials_size_max || header.size() < scheme.size() ||
        !web::same_name(header.substr(0, scheme.size()), scheme)) {
        return std::nullopt;
    }
    return read_fields(header.substr(scheme.size()));
}

std::optional<DigestAlgorithm> algorithm_named(std::string_view name) {
    if (name.empty() || web::same_name(name, "MD5")) {
        return DigestAlgorithm::md5;
    }
    return web::same_name(name, "SHA-256") ? std::optional{DigestAlgorithm::sha256} : std::nullopt;
}

std::string_view name_of(DigestAlgorithm algorithm) {
    return algorithm == DigestAlgorithm::md5 ? "MD5" : "SHA-256";
}

/// Whether a list of qualities has "auth".
bool offers_auth(std::string_view list) {
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        std::string_view one = trimmed(list.substr(0, end));
        one = one.substr(0, one.find(' '));
        if (web::same_name(one, "auth")) {
            return true;
        }
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20) {
            continue;
        }
        out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
    return out + '"';
}

}   // namespace

std::string digest_hex(DigestAlgorithm algorithm, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const EVP_MD* const type = algorithm == DigestAlgorithm::md5 ? EVP_md5() : EVP_sha256();
    EVP_Digest(text.data(), text.size(), digest.data(), &size, type, nullptr);
    return hex(std::span{digest}.first(size));
}

std::optional<DigestChallenge> read_challenge(std::string_view header) {
    const auto fields = fields_of_digest(header);
    if (!fields) {
        return std::nullopt;
    }
    const std::optional<DigestAlgorithm> algorithm = algorithm_named(value_of(*fields, "algorithm"));
    const std::string quality = value_of(*fields, "qop");
    DigestChallenge challenge{.realm = value_of(*fields, "realm"),
                              .nonce = value_of(*fields, "nonce"),
                              .opaque = value_of(*fields, "opaque"),
                              .algorithm = algorithm.value_or(DigestAlgorithm::md5),
                              .auth = offers_auth(quality),
                              .stale = web::same_name(value_of(*fields, "stale"), "true")};
    const bool usable = algorithm && !challenge.nonce.empty() && (quality.empty() || challenge.auth);
    return usable ? std::optional{std::move(challenge)} : std::nullopt;
}

std::string write(const DigestChallenge& challenge) {
    std::string out = fmt::format("Digest realm={}, nonce={}, algorithm={}", quoted(challenge.realm),
                                  quoted(challenge.nonce), name_of(challenge.algorithm));
    out += challenge.opaque.empty() ? "" : ", opaque=" + quoted(challenge.opaque);
    out += challenge.auth ? ", qop=\"auth\"" : "";
    out += challenge.stale ? ", stale=true" : "";
    return out;
}

std::optional<DigestCredentials> read_credentials(std::string_view header) {
    const auto fields = fields_of_digest(header);
    if (!fields) {
        return std::nullopt;
    }
    const std::optional<DigestAlgorithm> algorithm = algorithm_named(value_of(*fields, "algorithm"));
    const std::string quality = value_of(*fields, "qop");
    DigestCredentials said{.user = value_of(*fields, "username"),
                           .realm = value_of(*fields, "realm"),
                           .nonce = value_of(*fields, "nonce"),
                           .uri = value_of(*fields, "uri"),
                           .response = value_of(*fields, "response"),
                           .cnonce = value_of(*fields, "cnonce"),
                           .opaque = value_of(*fields, "opaque"),
                           .nonce_count = value_of(*fields, "nc"),
                           .auth = offers_auth(quality),
                           .algorithm = algorithm.value_or(DigestAlgorithm::md5)};
    const bool complete = algorithm && !said.user.empty() && said.user.size() <= user_size_max &&
                          !said.nonce.empty() && !said.response.empty() && (quality.empty() || said.auth) &&
                          (!said.auth || (!said.cnonce.empty() && said.nonce_count.size() == 8));
    return complete ? std::optional{std::move(said)} : std::nullopt;
}

std::string write(const DigestCredentials& said) {
    std::string out =
        fmt::format("Digest username={}, realm={}, nonce={}, uri={}, response={}", quoted(said.user),
                    quoted(said.realm), quoted(said.nonce), quoted(said.uri), quoted(said.response));
    // Old cameras trip over an algorithm that they did not name.
    out += said.algorithm == DigestAlgorithm::sha256 ? ", algorithm=SHA-256" : "";
    out += said.opaque.empty() ? "" : ", opaque=" + quoted(said.opaque);
    out +=
        said.auth ? fmt::format(", qop=auth, nc={}, cnonce={}", said.nonce_count, quoted(said.cnonce)) : "";
    return out;
}

std::string digest_secret(DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                          std::string_view password) {
    return digest_hex(algorithm, fmt::format("{}:{}:{}", user, realm, password));
}

// RFC 7616 §3.4.1; without qop as RFC 2617 §3.2.2.1 has it
std::string digest_tail(const DigestCredentials& said, std::string_view method) {
    const std::string request = digest_hex(said.algorithm, fmt::format("{}:{}", method, said.uri));
    const std::string middle =
        said.auth ? fmt::format("{}:{}:{}:auth", said.nonce, said.nonce_count, said.cnonce) : said.nonce;
    return fmt::format("{}:{}", middle, request);
}

std::string digest_response(const DigestCredentials& said, std::string_view secret, std::string_view method) {
    return digest_hex(said.algorithm, fmt::format("{}:{}", secret, digest_tail(said, method)));
}

bool proves(const DigestCredentials& said, std::string_view secret, std::string_view method) {
    return equal(digest_response(said, secret, method), said.response);
}

std::string DigestNonces::signature(std::string_view moment) const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
         reinterpret_cast<const unsigned char*>(moment.data()), moment.size(), mac.data(), &size);
    return hex(std::span{mac}.first(std::min(size, 16U)));
}

// moment in hexadecimal nanoseconds | '-' | its signature
std::string DigestNonces::make(Instant now) const {
    const std::string moment = fmt::format("{:x}", now.nanoseconds());
    return moment + '-' + signature(moment);
}

DigestNonces::Age DigestNonces::age(std::string_view nonce, Instant now) const {
    const std::size_t dash = std::min(nonce.find('-'), nonce.size());
    const std::string_view moment = nonce.substr(0, dash);
    if (dash == nonce.size() || !equal(nonce.substr(dash + 1), signature(moment))) {
        return Age::foreign;
    }
    std::int64_t nanoseconds = 0;
    std::from_chars(moment.data(), moment.data() + moment.size(), nanoseconds, 16);
    return now - Instant::from_nanoseconds(nanoseconds) <= lifetime ? Age::fresh : Age::stale;
}

std::string basic_credentials(std::string_view user, std::string_view password) {
    return "Basic " + encode_base64(as_bytes(fmt::format("{}:{}", user, password)));
}

}   // namespace millrace::rtsp
