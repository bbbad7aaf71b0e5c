#include "protocol/http/response_head.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::http {

namespace {

constexpr std::size_t headers_max = 100;
constexpr std::uint64_t length_max = std::uint64_t{1} << 53U;

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    });
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Takes a line and its end off the front.
std::string_view next_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

/// "HTTP/1.1 200 OK"; some devices leave the phrase out, and the space before it.
Result<> read_status(ResponseHead& head, std::string_view line) {
    constexpr std::size_t version_size = 8;   // "HTTP/1.x"
    const std::string_view version = line.substr(0, version_size);
    const std::string_view code = line.substr(std::min(line.size(), version_size + 1), 3);
    const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), head.status);
    const bool sound = (version == "HTTP/1.1" || version == "HTTP/1.0") && line.size() >= version_size + 4 &&
                       line[version_size] == ' ' && error == std::errc{} && end == code.data() + 3 &&
                       head.status >= 100 &&
                       (line.size() == version_size + 4 || line[version_size + 4] == ' ');
    head.http_1_0 = version == "HTTP/1.0";
    return sound ? Result<>{} : fail(Errc::malformed, "the answer does not begin as HTTP/1 does");
}

Result<std::uint64_t> length_of(std::string_view text) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc{} || end != text.data() + text.size() || length > length_max) {
        return fail(Errc::malformed, "the answer's Content-Length is no number");
    }
    return length;
}

bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (web::same_name(trimmed(list.substr(0, comma)), word)) {
            return true;
        }
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

bool has_no_body(const ResponseHead& head, std::string_view method) {
    return method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
}

}   // namespace

std::optional<std::string_view> ResponseHead::header(std::string_view name) const {
    const auto found = std::ranges::find_if(
        headers, [name](const web::Header& one) { return web::same_name(one.name, name); });
    return found == headers.end() ? std::nullopt : std::optional<std::string_view>{found->value};
}

bool ResponseHead::is_redirect() const {
    return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
           header("Location").has_value();
}

std::size_t head_end(std::string_view text) {
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        const std::string_view behind = text.substr(at + 1, 2);
        if (behind.starts_with('\n')) {
            return at + 2;
        }
        if (behind == "\r\n") {
            return at + 3;
        }
    }
    return 0;
}

Result<ResponseHead> read_head(std::string_view text) {
    ResponseHead head;
    if (const auto read = read_status(head, next_line(text)); !read) {
        return std::unexpected(read.error());
    }
    for (std::string_view line = next_line(text); !line.empty(); line = next_line(text)) {
        if (head.headers.size() >= headers_max) {
            return fail(Errc::exhausted, "the answer has more than 100 headers");
        }
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, colon);
        // RFC 9112 §5.2 lets a client refuse headers folded over two lines: their names would be empty.
        if (colon == std::string_view::npos || !is_token(name) ||
            line.find_first_of(std::string_view{"\0\r", 2}) != std::string_view::npos) {
            return fail(Errc::malformed, "a header of the answer is malformed");
        }
        head.headers.push_back({std::string{name}, std::string{trimmed(line.substr(colon + 1))}});
    }
    return head;
}

Result<BodyFraming> framing_of(const ResponseHead& head, std::string_view method) {
    BodyFraming framing;
    const std::string_view connection = head.header("Connection").value_or("");
    framing.keep_alive = head.http_1_0 ? has_word(connection, "keep-alive") : !has_word(connection, "close");
    std::optional<std::uint64_t> length;
    bool chunked = false;
    for (const auto& [name, value] : head.headers) {
        if (web::same_name(name, "Content-Length")) {
            const Result<std::uint64_t> one = length_of(value);
            if (!one) {
                return std::unexpected(one.error());
            }
            if (length && *length != *one) {
                return fail(Errc::malformed, "the answer has two different lengths");
            }
            length = *one;
        } else if (web::same_name(name, "Transfer-Encoding")) {
            if (chunked || !web::same_name(value, "chunked")) {
                return fail(Errc::unsupported, "the answer has a transfer coding that is not known here");
            }
            chunked = true;
        } else if (web::same_name(name, "Content-Encoding") && !web::same_name(value, "identity")) {
            return fail(Errc::unsupported, "the answer is compressed, though that was not asked for");
        }
    }
    if (chunked && length) {
        return fail(Errc::malformed, "the answer has both a length and chunks");   // RFC 9112 §6.3
    }
    if (has_no_body(head, method)) {
        return framing;
    }
    framing.kind = chunked  ? BodyFraming::Kind::chunked
                   : length ? BodyFraming::Kind::length
                            : BodyFraming::Kind::until_close;
    framing.length = length.value_or(0);
    framing.keep_alive = framing.keep_alive && framing.kind != BodyFraming::Kind::until_close;
    return framing;
}

}   // namespace millrace::http
