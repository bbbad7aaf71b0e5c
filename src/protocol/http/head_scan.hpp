#pragma once

#include "base/bytes.hpp"
#include "protocol/http/refusal.hpp"

#include <cstddef>

namespace millrace::http {

/// Finds the end of a request's head in a growing buffer and refuses, as soon as it shows, every form that
/// two HTTP implementations could read differently: bare CR or LF, NUL, folded lines, and heads too large.
class HeadScan {
public:
    static constexpr std::size_t head_size_max = 16U << 10U;
    static constexpr std::size_t request_line_size_max = 8U << 10U;
    static constexpr std::size_t headers_max = 100;

    /// Looks at what was not looked at before. `head` is the whole buffer from the head's first byte and
    /// only ever grows. The head's size with its empty line, or 0 while that has not come.
    Accepted<std::size_t> scan(ByteSpan head);

private:
    Accepted<std::size_t> step(char c);
    /// How many characters from here on mean nothing to it: neither a line's first, nor its end, nor NUL.
    std::size_t plain_at(std::string_view text) const;

    std::size_t at_ = 0;
    std::size_t line_begin_ = 0;
    std::size_t lines_ = 0;   // complete ones
    char previous_ = '\n';
};

}   // namespace millrace::http
