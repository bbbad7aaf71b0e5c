#include "base/web.hpp"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace millrace::web {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    const char small = lower(c);
    if (small >= 'a' && small <= 'f') {
        return static_cast<unsigned>(small - 'a' + 10);
    }
    return std::nullopt;
}

struct Phrase {
    int status;
    std::string_view text;
};

// RFC 9110 §15, and 428, 429, 431 of RFC 6585.
constexpr std::array phrases{
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{206, "Partial Content"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{303, "See Other"},
    Phrase{304, "Not Modified"},
    Phrase{307, "Temporary Redirect"},
    Phrase{308, "Permanent Redirect"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{412, "Precondition Failed"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Range Not Satisfiable"},
    Phrase{417, "Expectation Failed"},
    Phrase{422, "Unprocessable Content"},
    Phrase{426, "Upgrade Required"},
    Phrase{428, "Precondition Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
    Phrase{507, "Insufficient Storage"},
};

/// Whether a page's script asks, and not its user, nor a program. Fetch Metadata says so, but browsers send
/// it only to where TLS or this machine is; without it, what they open for their user takes HTML.
bool is_script(const Request& request) {
    if (const auto mode = request.header("sec-fetch-mode")) {
        return *mode != "navigate";
    }
    return request.header("user-agent").value_or("").starts_with("Mozilla/") &&
           request.header("accept").value_or("").find("text/html") == std::string_view::npos;
}

}   // namespace

std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    const unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < low || byte(1) > high) {
        return 0;
    }
    for (std::size_t at = 2; at < length; ++at) {
        if (byte(at) < 0x80 || byte(at) > 0xBF) {
            return 0;
        }
    }
    return length;
}

std::optional<std::string> percent_decode(std::string_view text) {
    if (text.find('%') == std::string_view::npos && text.find('\0') == std::string_view::npos) {
        return std::string{text};
    }
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        char c = text[at];
        if (c == '%') {
            if (text.size() - at < 3) {
                return std::nullopt;
            }
            const auto high = hex_digit(text[at + 1]);
            const auto low = hex_digit(text[at + 2]);
            if (!high || !low) {
                return std::nullopt;
            }
            c = static_cast<char>(*high << 4U | *low);
            at += 2;
        }
        if (c == '\0') {
            return std::nullopt;
        }
        decoded += c;
    }
    return decoded;
}

std::string json_quoted(std::string_view text) {
    std::string quoted{'"'};
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const char c = text.front();
        if (length == 0) {
            quoted += "\\ufffd";
        } else if (c == '"' || c == '\\') {
            quoted += {'\\', c};
        } else if (c == '\n') {
            quoted += "\\n";
        } else if (length == 1 && (c < ' ' || c == '<' || c == '\x7F')) {
            quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            quoted += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return quoted + '"';
}

bool same_letters(std::string_view a, std::string_view b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] != b[i] && lower(a[i]) != lower(b[i])) {   // nearly always as it is spelt here
            return false;
        }
    }
    return true;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
    const auto found =
        std::ranges::find_if(headers, [&](const Header& header) { return same_name(header.name, name); });
    if (found == headers.end()) {
        return std::nullopt;
    }
    return found->value;
}

std::optional<std::string> Request::query_value(std::string_view key) const {
    const auto decoded = [](std::string_view part) {
        std::string spaced{part};
        std::ranges::replace(spaced, '+', ' ');
        return percent_decode(spaced);
    };
    std::string_view rest = query;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (decoded(pair.substr(0, equals)) == key) {
            return decoded(pair.substr(std::min(equals + 1, pair.size())));
        }
    }
    return std::nullopt;
}

int status_of(Errc code) {
    switch (code) {
        case Errc::malformed: return 400;
        case Errc::unauthenticated: return 401;
        case Errc::refused: return 403;
        case Errc::not_found: return 404;
        case Errc::exists: return 409;
        case Errc::unsupported: return 415;
        case Errc::throttled: return 429;
        case Errc::exhausted:
        case Errc::cancelled:
        case Errc::timed_out: return 503;
        default: return 500;
    }
}

Response refusal(const Request& request, const Error& why) {
    Response response = Response::problem(status_of(why.code), why.what);
    if (response.status == 401 && !is_script(request)) {
        response.headers.push_back({"WWW-Authenticate", "Basic realm=\"millrace\", charset=\"UTF-8\""});
        response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"millrace\""});
    }
    if (response.status == 429 || response.status == 503) {
        response.headers.push_back({"Retry-After", response.status == 429 ? "60" : "1"});
    }
    return response;
}

std::string_view reason_phrase(int status) {
    const auto found = std::ranges::find(phrases, status, &Phrase::status);
    return found == phrases.end() ? "Unknown" : found->text;
}

Response Response::text(int status, std::string_view text, std::string_view type) {
    Response response;
    response.status = status;
    response.headers.push_back({"Content-Type", std::string{type}});
    response.body = Bytes::copy(text);
    return response;
}

Response Response::problem(int status, std::string_view detail) {
    const std::string document = fmt::format(R"({{"type":"about:blank","title":{},"status":{},"detail":{}}})"
                                             "\n",
                                             json_quoted(reason_phrase(status)), status, json_quoted(detail));
    return text(status, document, "application/problem+json");
}

}   // namespace millrace::web
