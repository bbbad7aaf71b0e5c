#pragma once

#include "base/connection.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

/// An address to pull from or push to, taken apart (RFC 3986 §3). What goes over the wire stays byte for byte
/// as it was written.
struct Url {
    static constexpr std::size_t size_max = 4096;

    std::string scheme;   ///< lower case
    std::string user;     ///< percent-decoded, as the password
    std::string password;
    bool has_user = false;   ///< "user@", ":token@" or even "@"
    std::string host;        ///< a name in lower case, or a numeric address, without brackets
    std::uint16_t port = 0;
    std::string target;     ///< path and query, at least "/"
    std::string fragment;   ///< behind '#': never sent

    Endpoint endpoint() const { return {host, port}; }
    /// "host" or "[::1]", with the port unless it is the scheme's own: what a Host field says.
    std::string authority() const;
};

/// The port that a scheme has by itself; 0 for one that is not known here.
std::uint16_t default_port(std::string_view scheme);

/// Errc::malformed in words for whoever wrote it. Refuses what two readers could understand differently:
/// spaces, control characters, backslashes, hosts written as one number, in octal or hexadecimal.
Result<Url> parse_url(std::string_view text);

/// What of its target stands behind '?', with the URL's user and password at its end as protocols without a
/// place of their own for them say them: `user=…&pass=…`, or `token=…` of ":token@". Without '?'.
std::string query_with_proof(const Url& url);

/// Where a redirection or a list leads (RFC 3986 §5.2): a whole URL, or a path on the same host.
/// User and password go along only to the same host, port and scheme.
Result<Url> resolve_url(const Url& base, std::string_view reference);

}   // namespace millrace
