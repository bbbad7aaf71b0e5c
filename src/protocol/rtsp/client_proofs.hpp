#pragma once

#include "base/random.hpp"
#include "base/web.hpp"
#include "protocol/rtsp/digest_access.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace::rtsp {

/// What a server asked of a client that it refused, and the client's proofs of who it is: Digest where that
/// is offered, the strongest, else Basic. For RTSP and HTTP alike. One owner.
class ClientProofs {
public:
    /// Of the headers of a 401, in the place of what was asked before. False: nothing that can be answered.
    bool take(std::span<const web::Header> headers);
    bool asked() const { return challenge_ || basic_; }
    bool is_digest() const { return challenge_.has_value(); }
    /// The last proof was good but for its age.
    bool is_stale() const { return challenge_ && challenge_->stale; }

    struct Who {
        std::string_view user;
        std::string_view password;
    };
    /// For an Authorization header; empty while nothing was asked.
    std::string next(const Who& who, std::string_view method, const std::string& uri, Random& random);

private:
    std::optional<DigestChallenge> challenge_;
    bool basic_ = false;
    std::uint32_t nonce_count_ = 0;
};

}   // namespace millrace::rtsp
