#pragma once

#include "base/time.hpp"
#include "base/web.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace millrace::http {

/// How one answer is framed on its connection.
struct Framing {
    WallTime utc;             ///< for Date
    bool head_only = false;   ///< the request was HEAD: the headers of GET, without body
    bool keep_alive = true;
    bool http_1_0 = false;   ///< the client must be told that the connection stays open
};

/// Appends status line and headers. Content-Length, Date and Connection are ours: those of the response are
/// left out, but a Content-Length for HEAD. A header with control characters is left out too, because it
/// could split the answer. Whether the body follows it.
bool write_head(std::vector<std::byte>& out, const web::Response& response, const Framing& framing);

/// The headers of an answer as `write_head` writes them, for `web::Response::header_lines`.
Bytes header_lines(const std::vector<web::Header>& headers);

/// The head of an endless answer: Connection: close, no length, no chunking, so that the body is the same
/// bytes in every version of HTTP.
std::vector<std::byte> streaming_head(int status, const std::vector<web::Header>& headers);

/// The head of a 101: the connection leaves HTTP behind it. `headers` say into what.
std::vector<std::byte> switching_head(const std::vector<web::Header>& headers);

/// RFC 9110 §5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string date_text(WallTime utc);

}   // namespace millrace::http
