#include "protocol/rtsp/client_proofs.hpp"

#include <fmt/format.h>

namespace millrace::rtsp {

bool ClientProofs::take(std::span<const web::Header> headers) {
    challenge_.reset();
    basic_ = false;
    nonce_count_ = 0;
    for (const web::Header& header : headers) {
        if (!web::same_name(header.name, "WWW-Authenticate")) {
            continue;
        }
        std::optional<DigestChallenge> digest = read_challenge(header.value);
        if (digest && (!challenge_ || digest->algorithm == DigestAlgorithm::sha256)) {
            challenge_ = std::move(digest);
        }
        basic_ = basic_ || web::same_name(std::string_view{header.value}.substr(0, 5), "Basic");
    }
    return asked();
}

std::string ClientProofs::next(const Who& who, std::string_view method, const std::string& uri,
                               Random& random) {
    if (!challenge_) {
        return basic_ ? basic_credentials(who.user, who.password) : std::string{};
    }
    DigestCredentials said{.user = std::string{who.user},
                           .realm = challenge_->realm,
                           .nonce = challenge_->nonce,
                           .uri = uri,
                           .response = {},
                           .cnonce = fmt::format("{:08x}", random.next_u32()),
                           .opaque = challenge_->opaque,
                           .nonce_count = fmt::format("{:08x}", ++nonce_count_),
                           .auth = challenge_->auth,
                           .algorithm = challenge_->algorithm};
    said.response =
        digest_response(said, digest_secret(said.algorithm, said.user, said.realm, who.password), method);
    return write(said);
}

}   // namespace millrace::rtsp
