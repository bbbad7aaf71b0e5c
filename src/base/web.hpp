#pragma once

#include "base/bytes.hpp"
#include "base/connection.hpp"
#include "base/executor.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What routes see of HTTP: no socket, no protocol version.
namespace millrace::web {

/// `%2F` to `/`, once. Nothing for an escape that is cut or not hexadecimal, and for NUL in either form.
std::optional<std::string> percent_decode(std::string_view text);

/// The length of the UTF-8 sequence at the front of a text, 0 if there is none (RFC 3629 §4: no surrogates,
/// no overlong forms).
std::size_t utf8_length(std::string_view text);

/// A JSON string with its quotes (RFC 8259 §7). Bytes that are not UTF-8 become U+FFFD, and `<` is escaped
/// so that the text is harmless inside a page.
std::string json_quoted(std::string_view text);

/// Whether two texts of one size are the same but for ASCII case.
bool same_letters(std::string_view a, std::string_view b);

/// Whether two names are the same but for ASCII case, as header names are.
inline bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && same_letters(a, b);   // most differ in size, and then no more is asked
}

/// One header field as it stands in the message.
struct Header {
    std::string name;
    std::string value;
};

/// What a client asked, checked for syntax; plain values.
struct Request {
    std::string method;   ///< as sent, upper case by the client
    std::string path;     ///< percent-decoded once, starts with '/'
    std::string query;    ///< after '?', raw
    std::vector<Header> headers;
    std::string body;
    Endpoint peer;   ///< the client, also where proxies that we trust stand between
    bool encrypted = false;
    std::function<void()> let_in;   ///< `Connection::let_in` of its connection; may be empty

    /// The first header of that name (any case), or nothing.
    std::optional<std::string_view> header(std::string_view name) const;
    /// The first value of a query key, percent-decoded; `+` is a space.
    std::optional<std::string> query_value(std::string_view key) const;
};

/// A conversation that leaves HTTP: it gets the connection and whatever was read beyond the request. The
/// Request is gone when it starts; it lives until its task ends.
using Takeover =
    std::move_only_function<Task<>(std::unique_ptr<Connection>, std::vector<std::byte> read_ahead)>;

/// A whole answer, or a takeover.
struct Response {
    int status = 200;
    std::vector<Header> headers;   ///< Content-Length, Date and Connection are added by the server
    Bytes body;
    Takeover takeover;   ///< when set, the rest is ignored
    /// More headers, as they stand in the message, each with its CR LF: written once for many answers.
    Bytes header_lines{};
    bool settled = false;   ///< conditions, range and coding of its request are in it already

    static Response text(int status, std::string_view text,
                         std::string_view type = "text/plain; charset=utf-8");
    /// RFC 9457: `title` is the status' own phrase; `detail` says what is wrong and how to mend it.
    static Response problem(int status, std::string_view detail);
};

/// By this header a GET and a POST of RTSP over HTTP find each other. What follows such a POST is no body.
inline constexpr std::string_view tunnel_header = "x-sessioncookie";

/// The status that says `code` to an HTTP client.
int status_of(Errc code);

/// Why not, as a problem document: with a challenge where a proof is missing (unless a page's script asks: a
/// browser would open its own dialogue), with Retry-After where waiting helps.
Response refusal(const Request& request, const Error& why);

/// "Not Found" for 404, and so on; "Unknown" for a status that is not in RFC 9110.
std::string_view reason_phrase(int status);

/// One family of addresses. Routes are asked in order; the first that knows the path answers.
struct Route {
    /// Those it answers; others get 405 with Allow. HEAD comes with GET: the route is asked with method HEAD
    /// and starts nothing. OPTIONS is answered for it unless it is listed (for CORS preflights).
    std::vector<std::string> methods;
    /// Whether this route knows the path; on a match, what `answer` needs is up to the route itself.
    std::function<bool(std::string_view path)> matches;
    /// Runs as part of the connection's conversation, on `executor`.
    std::function<Task<Response>(const Request& request, Executor& executor)> answer;
};

}   // namespace millrace::web
