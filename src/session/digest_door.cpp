#include "session/digest_door.hpp"

#include "base/web.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace millrace::session {

namespace {

constexpr std::string_view scheme = "Digest ";

bool is_digest(std::string_view header) {
    header.remove_prefix(std::min(header.find_first_not_of(" \t"), header.size()));
    return header.size() >= scheme.size() && web::same_name(header.substr(0, scheme.size()), scheme);
}

/// Players prove the address of the stream where they set up one of its tracks, and some leave a slash out.
bool is_of(std::string_view uri, std::string_view url) {
    if (uri.ends_with('/') && uri.substr(0, uri.size() - 1) == url) {
        return true;
    }
    const bool begins = !uri.empty() && url.starts_with(uri);
    return begins && (url.size() == uri.size() || uri.ends_with('/') || url[uri.size()] == '/');
}

hub::DigestProof::Hash hash_of(rtsp::DigestAlgorithm algorithm) {
    return algorithm == rtsp::DigestAlgorithm::md5 ? hub::DigestProof::Hash::md5
                                                   : hub::DigestProof::Hash::sha256;
}

}   // namespace

std::vector<std::string> DigestDoor::challenges(const Settings& settings, Instant now) {
    std::vector<std::string> challenges;
    const bool stale = std::exchange(stale_, false);
    const auto offer = [&](rtsp::DigestAlgorithm algorithm) {
        challenges.push_back(rtsp::write({.realm = std::string{hub::digest_realm},
                                          .nonce = nonces_.make(now),
                                          .opaque = {},
                                          .algorithm = algorithm,
                                          .auth = true,
                                          .stale = stale}));
    };
    // The better one first (RFC 7616 §3.7); players that keep the last one they read know the older one.
    if (settings.digest_sha256) {
        offer(rtsp::DigestAlgorithm::sha256);
    }
    if (settings.digest_md5) {
        offer(rtsp::DigestAlgorithm::md5);
    }
    challenges.push_back(fmt::format("Basic realm=\"{}\", charset=\"UTF-8\"", hub::digest_realm));
    return challenges;
}

Result<> DigestDoor::read(hub::Petition& petition, Asked asked, Instant now) {
    if (!is_digest(petition.authorization)) {
        return {};
    }
    std::optional<rtsp::DigestCredentials> said =
        rtsp::read_credentials(std::exchange(petition.authorization, {}));
    if (!said) {
        return fail(Errc::malformed, "this Digest cannot be read, or is of a kind that this node has not");
    }
    if (nonces_.age(said->nonce, now) != rtsp::DigestNonces::Age::fresh) {
        stale_ = true;
        return fail(Errc::unauthenticated, "the nonce of this Digest is too old, or not of this connection");
    }
    if (said->realm != hub::digest_realm || !is_of(said->uri, asked.url)) {
        return fail(Errc::unauthenticated, "this Digest is of another realm or address");
    }
    std::string tail = rtsp::digest_tail(*said, asked.method);
    petition.digest = hub::DigestProof{.user = std::move(said->user),
                                       .hash = hash_of(said->algorithm),
                                       .tail = std::move(tail),
                                       .response = std::move(said->response)};
    return {};
}

}   // namespace millrace::session
