#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>

namespace millrace {

/// Why something did not work, coarse enough to act on.
enum class Errc : std::uint8_t {
    would_block,       ///< nothing now; wait for readiness and call again
    malformed,         ///< bytes that break their specification
    unsupported,       ///< well-formed, but not something we do
    exhausted,         ///< a named limit was reached
    refused,           ///< not allowed, or not in this state
    unauthenticated,   ///< no proof, or a wrong one, of who asks
    throttled,         ///< asked too often; later again
    not_found,         ///< no such stream, route, session
    exists,            ///< the name is taken
    closed,            ///< the peer ended the conversation, or the connection broke
    timed_out,         ///< a deadline passed
    cancelled,         ///< we ended it: shutdown, kick, replaced
    io,                ///< the operating system said no
};

std::string_view name(Errc code);

/// A code and a literal that says what happened. It never allocates; whoever logs it adds who and where.
struct Error {
    Errc code;
    std::string_view what;   ///< a string literal, lower case, no full stop
};

/// Short for `return std::unexpected(Error{code, what})`.
inline std::unexpected<Error> fail(Errc code, std::string_view what) {
    return std::unexpected(Error{code, what});
}

/// A value or an Error; unlike libstdc++ 12's `expected`, ignoring it is a compiler warning.
template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
    using std::expected<T, Error>::expected;
};

}   // namespace millrace
