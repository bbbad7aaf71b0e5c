#pragma once

#include "base/time.hpp"
#include "control/digest.hpp"
#include "hub/admission.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace millrace::control {

/// How long a browser stays signed in.
constexpr Duration sign_in_lasts = std::chrono::hours{12};

/// The value of a signed-in browser's cookie: who it is, with which password or token, and until when.
///
///     u:cam:5f0c3a…:1800000000:HMAC        u or t, the name, the credential, Unix seconds, all signed
///
/// The signature is made with the node's own key, so nothing is kept for it here.
std::string sign_cookie(const Digest& key, const hub::Identity& identity, WallTime expires);

/// Who it is; nothing if it is not ours, or has expired. Whether that user or token still is valid is
/// another question.
std::optional<hub::Identity> read_cookie(const Digest& key, std::string_view cookie, WallTime now);

/// What a page must send along with a change, to show that it may read our answers. It is bound to the
/// cookie.
std::string csrf_token_of(const Digest& key, std::string_view cookie);

}   // namespace millrace::control
