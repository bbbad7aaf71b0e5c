#pragma once

#include "base/random.hpp"
#include "hub/admission.hpp"
#include "protocol/rtsp/digest_access.hpp"
#include "session/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::session {

/// Digest access on one connection: its nonces, and what comes back with them. A nonce of another connection
/// counts as an old one, so that nothing overheard can be sent again elsewhere. Owned by the conversation, on
/// its thread.
class DigestDoor {
public:
    explicit DigestDoor(Random& random) : nonces_{random} {}

    /// The WWW-Authenticate lines of a 401: Digest where some user can answer it, and Basic.
    std::vector<std::string> challenges(const Settings& settings, Instant now);

    /// A request that brings a Digest.
    struct Asked {
        std::string_view method;
        std::string_view url;   ///< as it was sent
    };
    /// Where the petition's header is a Digest, moves it to `Petition::digest`; others stay as they are.
    /// Errc::unauthenticated where it must be asked for again: `challenges` then says that the nonce was old.
    /// Errc::malformed where it is none.
    Result<> read(hub::Petition& petition, Asked asked, Instant now);

private:
    rtsp::DigestNonces nonces_;
    bool stale_ = false;
};

}   // namespace millrace::session
