#pragma once

#include "base/result.hpp"
#include "hub/admission.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace millrace::control {

/// What somebody brings along to prove who they are.
struct NoProof {
    bool operator==(const NoProof&) const = default;
};
struct UserProof {
    std::string user;
    std::string password;
    bool operator==(const UserProof&) const = default;
};
struct TokenProof {
    std::string token;
    bool operator==(const TokenProof&) const = default;
};
/// The value of our cookie, as a browser adds it to every request by itself.
struct CookieProof {
    std::string value;
    bool operator==(const CookieProof&) const = default;
};
using Proof = std::variant<NoProof, UserProof, TokenProof, CookieProof, hub::DigestProof>;

constexpr std::size_t proof_size_max = 1024;
constexpr std::string_view cookie_name = "millrace";

/// The proof in a petition: `Authorization` with Basic (RFC 7617) or Bearer (RFC 6750), `user` and `pass` or
/// `token` of the query, a Digest that a session has read, else our cookie. Two that differ, broken base64,
/// control characters and more than `proof_size_max` are malformed; the cookie never is, since nobody typed
/// it.
Result<Proof> proof_of(const hub::Petition& petition);

/// A form's fields (application/x-www-form-urlencoded) or a query's: the value of `key`, decoded; nothing if
/// it is not there. Errc::malformed if it stands there with different values, or cannot be decoded.
Result<std::optional<std::string>> field_of(std::string_view fields, std::string_view key);

/// A proof from its parts, checked as above: user and password together, or a token.
struct ProofParts {
    std::optional<std::string> user;
    std::optional<std::string> password;
    std::optional<std::string> token;
};
Result<Proof> proof_of(ProofParts parts);

}   // namespace millrace::control
