#include "protocol/http/conditional.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

namespace millrace::http {

namespace {

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Whether a list of entity tags, over all headers of that name, holds `etag` or is `*`. `weakly`: W/"a" is
/// "a" too (RFC 9110 §8.8.3.2).
bool lists_tag(const web::Request& request, std::string_view name, std::string_view etag, bool weakly) {
    for (const auto& header : request.headers) {
        std::string_view rest = web::same_name(header.name, name) ? header.value : std::string_view{};
        while (!rest.empty()) {
            rest = trimmed(rest);
            if (rest == "*") {
                return true;
            }
            const bool weak = rest.starts_with("W/");
            const std::string_view tag = rest.substr(weak ? 2 : 0);
            // A comma may stand inside of a tag.
            const std::size_t end = tag.starts_with('"') ? tag.find('"', 1) : std::string_view::npos;
            if (end == std::string_view::npos) {
                break;
            }
            if (tag.substr(0, end + 1) == etag && (weakly || !weak)) {
                return true;
            }
            rest = tag.substr(end + 1);
            rest.remove_prefix(std::min(
                rest.find(',') == std::string_view::npos ? rest.size() : rest.find(',') + 1, rest.size()));
        }
    }
    return false;
}

/// A number of any length, kept at its largest value when it is larger; nothing if it is none.
std::optional<std::uint64_t> number_in(std::string_view text) {
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    return read.ec == std::errc{} ? value : UINT64_MAX;
}

/// What a Range header wants of a body. `whole` also where it is not understood, which RFC 9110 §14.2 says to
/// ignore.
struct Wanted {
    enum class What : std::uint8_t { whole, part, nothing } what = What::whole;
    std::size_t begin = 0;
    std::size_t size = 0;
};

// RFC 9110 §14.1.2: "bytes=0-99", "bytes=100-", "bytes=-100".
Wanted wanted_of(std::string_view range, std::size_t size) {
    constexpr std::string_view unit = "bytes=";
    if (range.size() < unit.size() || !web::same_name(range.substr(0, unit.size()), unit)) {
        return {};
    }
    range = trimmed(range.substr(unit.size()));
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) {
        return {};
    }
    const auto first = number_in(range.substr(0, dash));
    const auto last = number_in(range.substr(dash + 1));
    if (dash == 0) {
        if (!last) {
            return {};
        }
        const std::size_t count = std::min<std::uint64_t>(*last, size);
        return count == 0 ? Wanted{Wanted::What::nothing} : Wanted{Wanted::What::part, size - count, count};
    }
    const bool open = dash + 1 == range.size();
    if (!first || (!open && (!last || *last < *first))) {
        return {};
    }
    if (*first >= size) {
        return {Wanted::What::nothing};
    }
    const std::uint64_t end = open ? size : std::min<std::uint64_t>(*last, size - 1) + 1;
    return {Wanted::What::part, *first, end - *first};
}

bool has_no_ranges(const web::Response& response) {
    return std::ranges::any_of(response.headers, [](const web::Header& header) {
        return web::same_name(header.name, "Accept-Ranges") && header.value == "none";
    });
}

std::string_view strong_etag(const web::Response& response) {
    for (const auto& header : response.headers) {
        if (web::same_name(header.name, "ETag") && header.value.starts_with('"')) {
            return header.value;
        }
    }
    return {};
}

/// Headers that speak of the body.
void drop_content_headers(web::Response& response) {
    std::erase_if(response.headers, [](const web::Header& header) {
        return web::same_name(header.name, "Content-Type") || web::same_name(header.name, "Content-Length") ||
               web::same_name(header.name, "Content-Encoding");
    });
}

web::Response unsatisfiable(web::Response whole) {
    const std::size_t size = whole.body.size();
    web::Response response = web::Response::problem(416, "the range lies beyond the end");
    drop_content_headers(whole);
    std::erase_if(whole.headers, [](const web::Header& header) {
        return web::same_name(header.name, "ETag") || web::same_name(header.name, "Cache-Control");
    });
    std::ranges::move(whole.headers, std::back_inserter(response.headers));   // CORS
    response.headers.push_back({"Content-Range", fmt::format("bytes */{}", size)});
    return response;
}

web::Response ranged(const web::Request& request, web::Response response, std::string_view etag) {
    const auto range = request.header("Range");
    const auto if_range = request.header("If-Range");
    // RFC 9110 §13.1.5: strong comparison; a date never matches, for we say none.
    if (request.method != "GET" || !range || (if_range && trimmed(*if_range) != etag)) {
        return response;
    }
    const std::size_t size = response.body.size();
    const Wanted wanted = wanted_of(*range, size);
    if (wanted.what == Wanted::What::nothing) {
        return unsatisfiable(std::move(response));
    }
    if (wanted.what == Wanted::What::part) {
        response.status = 206;
        response.headers.push_back({"Content-Range", fmt::format("bytes {}-{}/{}", wanted.begin,
                                                                 wanted.begin + wanted.size - 1, size)});
        response.body = response.body.slice(wanted.begin, wanted.size);
    }
    return response;
}

}   // namespace

web::Response conditional(const web::Request& request, web::Response response) {
    const std::string etag{strong_etag(response)};
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (response.status != 200 || response.takeover || response.body.empty() || etag.empty() || !reads) {
        return response;
    }
    if (request.header("If-Match") && !lists_tag(request, "If-Match", etag, false)) {
        return web::Response::problem(412, "this is not the version that If-Match names");
    }
    if (lists_tag(request, "If-None-Match", etag, true)) {
        response.status = 304;
        drop_content_headers(response);
        response.body = {};
        return response;
    }
    if (has_no_ranges(response)) {
        return response;
    }
    response.headers.push_back({"Accept-Ranges", "bytes"});
    return ranged(request, std::move(response), etag);
}

}   // namespace millrace::http
