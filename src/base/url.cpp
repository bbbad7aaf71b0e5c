#include "base/url.hpp"

#include "base/peer_address.hpp"
#include "base/web.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace millrace {

namespace {

constexpr std::size_t host_size_max = 253;   // RFC 1035 §2.3.4, as text

constexpr std::array<std::pair<std::string_view, std::uint16_t>, 11> ports{{{"http", 80},
                                                                            {"https", 443},
                                                                            {"ws", 80},
                                                                            {"wss", 443},
                                                                            {"rtsp", 554},
                                                                            {"rtsps", 322},
                                                                            {"rtmp", 1935},
                                                                            {"rtmps", 443},
                                                                            {"kcp", 8910},
                                                                            {"postgres", 5432},
                                                                            {"postgresql", 5432}}};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

std::string lower(std::string_view text) {
    std::string made;
    std::ranges::transform(text, std::back_inserter(made), [](char c) { return lower(c); });
    return made;
}

/// RFC 3986 §3.1.
bool is_scheme(std::string_view text) {
    return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    });
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= host_size_max && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

/// Whether resolvers would take it for an IPv4 address though it is not four decimal numbers: "2130706433",
/// "0x7f.1", "0177.0.0.1". The last label of a real name is never a number (RFC 3696 §2).
bool is_disguised_number(std::string_view host) {
    while (host.ends_with('.')) {
        host.remove_suffix(1);
    }
    const std::size_t dot = host.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
    return !last.empty() && (is_digit(last.front()) ? std::ranges::all_of(last, is_digit) ||
                                                          last.starts_with("0x") || last.starts_with("0X")
                                                    : false);
}

Result<> read_host(Url& url, std::string_view host) {
    if (host.starts_with('[')) {
        if (!host.ends_with(']') || host.find(':') == std::string_view::npos) {
            return fail(Errc::malformed, "an IPv6 address stands in brackets, as in http://[2001:db8::1]/");
        }
        url.host = host.substr(1, host.size() - 2);
        const auto address = PeerAddress::parse({url.host, 0});
        return address && address->zone() == 0
                   ? Result<>{}
                   : fail(Errc::malformed, "what stands in the URL's brackets is no IPv6 address");
    }
    if (!is_name(host)) {
        return fail(Errc::malformed, "the URL has no host, or one with characters that no name has");
    }
    url.host = lower(host);
    if (is_disguised_number(host) && !PeerAddress::parse({url.host, 0})) {
        return fail(Errc::malformed, "write a numeric host as four decimal numbers, as in 192.0.2.1");
    }
    return {};
}

Result<> read_port(Url& url, std::string_view text) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), url.port);
    if (error != std::errc{} || end != text.data() + text.size() || url.port == 0) {
        return fail(Errc::malformed, "the URL's port is a number from 1 to 65535");
    }
    return {};
}

Result<> read_user(Url& url, std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto user = web::percent_decode(text.substr(0, colon));
    const auto password =
        web::percent_decode(colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1));
    if (!user || !password) {
        return fail(Errc::malformed, "the URL's user or password has a '%' without two digits behind it");
    }
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; };
    if (std::ranges::any_of(*user + *password, is_control)) {
        return fail(Errc::malformed, "the URL's user or password has control characters");
    }
    url.user = *user;
    url.password = *password;
    url.has_user = true;
    return {};
}

/// "user:password@host:port". RFC 3986 §3.2: a password with '@' in it is read to the last one.
Result<> read_authority(Url& url, std::string_view text) {
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        if (const auto read = read_user(url, text.substr(0, at)); !read) {
            return read;
        }
        text.remove_prefix(at + 1);
    }
    const std::size_t bracket = text.rfind(']');
    const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    url.port = default_port(url.scheme);
    if (colon != std::string_view::npos) {
        if (const auto read = read_port(url, text.substr(colon + 1)); !read) {
            return read;
        }
    }
    return read_host(url, text.substr(0, colon));
}

/// RFC 3986 §5.2.4: "/a/b/../c" is "/a/c". What stands behind '?' stays as it is.
std::string without_dots(std::string_view target) {
    const std::size_t end = std::min(target.find_first_of("?#"), target.size());
    std::string made;
    for (std::size_t at = 0; at < end;) {
        const std::size_t next = std::min(target.find('/', at + 1), end);
        const std::string_view segment = target.substr(at, next - at);
        const bool last = next == end;
        if (segment == "/..") {
            made.resize(made.empty() ? 0 : made.rfind('/'));
        } else if (segment != "/.") {
            made += segment;
        }
        if (last && (segment == "/.." || segment == "/.")) {
            made += '/';
        }
        at = next;
    }
    return made.append(target.substr(end));
}

/// RFC 3986 §2.3: all but the unreserved characters by their digits.
std::string query_encoded(std::string_view text) {
    std::string made;
    for (const char c : text) {
        const bool plain = is_letter(c) || is_digit(c) || std::string_view{"-._~"}.contains(c);
        made += plain ? std::string{c} : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return made;
}

}   // namespace

std::uint16_t default_port(std::string_view scheme) {
    const auto found = std::ranges::find(ports, scheme, &std::pair<std::string_view, std::uint16_t>::first);
    return found == ports.end() ? 0 : found->second;
}

std::string Url::authority() const {
    const bool ipv6 = host.find(':') != std::string::npos;
    std::string text = ipv6 ? '[' + host + ']' : host;
    if (port != default_port(scheme)) {
        text += ':' + std::to_string(port);
    }
    return text;
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > Url::size_max) {
        return fail(Errc::malformed, "the URL is longer than 4096 characters");
    }
    const auto is_strange = [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7F || c == '\\';
    };
    if (std::ranges::any_of(text, is_strange)) {
        return fail(Errc::malformed,
                    "a URL has no spaces, backslashes, control or accented characters: "
                    "write them as %20 and the like");
    }
    const std::size_t colon = text.find("://");
    Url url;
    url.scheme = lower(text.substr(0, colon));
    if (colon == std::string_view::npos || !is_scheme(url.scheme)) {
        return fail(Errc::malformed, "a URL begins with its scheme, as in http://");
    }
    std::string_view rest = text.substr(colon + 3);
    if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
        url.fragment = rest.substr(hash + 1);
        rest = rest.substr(0, hash);
    }
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (const auto read = read_authority(url, rest.substr(0, end)); !read) {
        return std::unexpected(read.error());
    }
    url.target = rest.substr(end);
    if (!url.target.starts_with('/')) {
        url.target.insert(0, "/");
    }
    if (url.port == 0) {
        return fail(Errc::malformed, "the URL's scheme is not known here, and it has no port");
    }
    return url;
}

std::string query_with_proof(const Url& url) {
    const std::size_t mark = url.target.find('?');
    std::string query{mark == std::string::npos ? std::string{} : url.target.substr(mark + 1)};
    const auto add = [&query](std::string_view key, std::string_view value) {
        query += fmt::format("{}{}={}", query.empty() ? "" : "&", key, query_encoded(value));
    };
    if (url.has_user && url.user.empty()) {
        add("token", url.password);
    } else if (url.has_user) {
        add("user", url.user);
        add("pass", url.password);
    }
    return query;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
    Result<Url> url = fail(Errc::malformed, "the redirection leads nowhere");
    const std::size_t path_end = reference.find_first_of("/?#");
    if (reference.substr(0, path_end).ends_with(':')) {
        url = parse_url(reference);
    } else if (reference.starts_with("//")) {
        url = parse_url(base.scheme + ":" + std::string{reference});
    } else if (!reference.empty()) {
        std::string target{reference};
        if (reference.starts_with('?')) {
            target.insert(0, base.target.substr(0, base.target.find('?')));
        } else if (!reference.starts_with('/')) {
            const std::string path = base.target.substr(0, base.target.find('?'));
            target.insert(0, path.substr(0, path.rfind('/') + 1));
        }
        target = without_dots(target);
        url = parse_url(base.scheme + "://" + base.authority() + target);
    }
    if (url && !url->has_user && url->scheme == base.scheme && url->host == base.host &&
        url->port == base.port) {
        url->user = base.user;
        url->password = base.password;
        url->has_user = base.has_user;
    }
    return url;
}

}   // namespace millrace
