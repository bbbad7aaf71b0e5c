#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/web.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::http {

/// What a server answered, before the body; checked for syntax.
struct ResponseHead {
    int status = 0;
    bool http_1_0 = false;
    std::vector<web::Header> headers;

    /// The first header of that name (any case), or nothing.
    std::optional<std::string_view> header(std::string_view name) const;
    bool is_redirect() const;   ///< to somewhere that it names
};

/// How a body ends (RFC 9112 §6.3).
struct BodyFraming {
    enum class Kind : std::uint8_t { none, length, chunked, until_close };
    Kind kind = Kind::none;
    std::uint64_t length = 0;
    bool keep_alive = false;   ///< another request may follow on this connection
};

/// The size of the head at the front of `text` with its empty line, 0 while that has not come. Devices that
/// end their lines in LF alone are understood.
std::size_t head_end(std::string_view text);

/// Reads a head that `head_end` found. Errc::malformed, exhausted (too many headers).
Result<ResponseHead> read_head(std::string_view text);

/// Errc::malformed where lengths contradict each other, unsupported for a coding that was not asked for.
Result<BodyFraming> framing_of(const ResponseHead& head, std::string_view method);

}   // namespace millrace::http
