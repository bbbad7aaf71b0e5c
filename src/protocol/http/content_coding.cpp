#include "protocol/http/content_coding.hpp"

#include <zlib.h>

#include <algorithm>

namespace millrace::http {

namespace {

// zlib's window and tables: 40 kB for the time of a call. Lists repeat themselves within a few lines.
constexpr int level = 1;
constexpr int window_bits = 12;
constexpr int gzip_wrapper = 16;   // added to the window bits
constexpr int memory_level = 5;

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Takes what stands before the first `mark` off the front of a text, and the mark.
std::string_view take_until(std::string_view& rest, char mark) {
    const std::string_view taken = rest.substr(0, rest.find(mark));
    rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
    return trimmed(taken);
}

/// RFC 9110 §12.4.2: "0.5" in thousandths; nothing if it is no weight.
std::optional<int> weight_in(std::string_view text) {
    constexpr std::size_t decimals_max = 3;
    constexpr int whole = 1000;
    const bool shaped = !text.empty() && text.size() <= 2 + decimals_max &&
                        (text.front() == '0' || text.front() == '1') && (text.size() == 1 || text[1] == '.');
    if (!shaped) {
        return std::nullopt;
    }
    int value = (text.front() - '0') * whole;
    int unit = whole / 10;
    for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
        if (digit < '0' || digit > '9') {
            return std::nullopt;
        }
        value += (digit - '0') * unit;
        unit /= 10;
    }
    return value <= whole ? std::optional{value} : std::nullopt;
}

/// One member of Accept-Encoding with its parameters.
std::optional<int> weight_of(std::string_view parameters) {
    int weight = 1000;
    while (!parameters.empty()) {
        const std::string_view parameter = take_until(parameters, ';');
        if (parameter.empty()) {
            continue;
        }
        const std::size_t equals = parameter.find('=');
        if (equals == std::string_view::npos) {
            return std::nullopt;
        }
        if (web::same_name(trimmed(parameter.substr(0, equals)), "q")) {
            const auto read = weight_in(trimmed(parameter.substr(equals + 1)));
            if (!read) {
                return std::nullopt;
            }
            weight = *read;
        }
    }
    return weight;
}

const web::Header* find(const web::Response& response, std::string_view name) {
    const auto found = std::ranges::find_if(
        response.headers, [&](const web::Header& header) { return web::same_name(header.name, name); });
    return found == response.headers.end() ? nullptr : &*found;
}

/// Whether a type is worth coding: pictures, sound and archives are packed already.
bool is_text(std::string_view type) {
    constexpr std::array<std::string_view, 7> texts{
        "application/json",         "application/problem+json",      "application/javascript",
        "application/dash+xml",     "application/vnd.apple.mpegurl", "application/x-mpegurl",
        "application/manifest+json"};
    const std::string_view essence = take_until(type, ';');
    constexpr std::string_view tree = "text/";
    return web::same_name(essence.substr(0, tree.size()), tree) ||
           std::ranges::any_of(texts, [&](std::string_view text) { return web::same_name(text, essence); });
}

bool varies_already(const web::Response& response) {
    return std::ranges::any_of(response.headers, [](const web::Header& header) {
        std::string_view rest = web::same_name(header.name, "Vary") ? header.value : std::string_view{};
        bool found = false;
        while (!rest.empty()) {
            found = web::same_name(take_until(rest, ','), "Accept-Encoding") || found;
        }
        return found;
    });
}

/// RFC 9110 §8.8.3.3: another coding is another body, so its strong tag is another.
void mark_tag(web::Response& response) {
    for (web::Header& header : response.headers) {
        const bool strong = web::same_name(header.name, "ETag") && header.value.size() >= 2 &&
                            header.value.front() == '"' && header.value.back() == '"';
        if (strong) {
            header.value.insert(header.value.size() - 1, "-gzip");
        }
    }
}

}   // namespace

bool accepts_gzip(const web::Request& request) {
    std::optional<int> gzip;
    std::optional<int> identity;
    std::optional<int> others;
    for (const web::Header& header : request.headers) {
        std::string_view rest =
            web::same_name(header.name, "Accept-Encoding") ? header.value : std::string_view{};
        while (!rest.empty()) {
            std::string_view member = take_until(rest, ',');
            const std::string_view coding = take_until(member, ';');
            const auto weight = weight_of(member);
            if (!weight) {
                return false;
            }
            if (web::same_name(coding, "gzip") || web::same_name(coding, "x-gzip")) {
                gzip = weight;
            } else if (web::same_name(coding, "identity")) {
                identity = weight;
            } else if (coding == "*") {
                others = weight;
            }
        }
    }
    const int wanted = gzip.value_or(others.value_or(0));
    return wanted > 0 && wanted >= identity.value_or(0);
}

Bytes gzip(ByteSpan bytes) {
    z_stream stream{};
    const int begun = deflateInit2(&stream, level, Z_DEFLATED, window_bits + gzip_wrapper, memory_level,
                                   Z_DEFAULT_STRATEGY);
    if (begun != Z_OK) {
        return {};
    }
    std::vector<std::byte> coded(deflateBound(&stream, bytes.size()));
    // zlib's input is not const for reasons of its age; it is only read.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(coded.data());
    stream.avail_out = static_cast<uInt>(coded.size());
    const int done = deflate(&stream, Z_FINISH);
    coded.resize(stream.total_out);
    deflateEnd(&stream);
    return done == Z_STREAM_END ? Bytes{std::move(coded)} : Bytes{};
}

web::Response encoded(const web::Request& request, web::Response response, std::optional<Bytes>* kept) {
    const web::Header* const type = find(response, "Content-Type");
    const bool may_be = response.status == 200 && !response.takeover && !response.body.empty() &&
                        type != nullptr && is_text(type->value) &&
                        find(response, "Content-Encoding") == nullptr;
    if (!may_be) {
        return response;
    }
    if (!varies_already(response)) {
        response.headers.push_back({"Vary", "Accept-Encoding"});
    }
    const bool asks_for_range = request.method == "GET" && request.header("Range");
    if (response.body.size() < coded_size_min || asks_for_range || !accepts_gzip(request)) {
        return response;
    }
    Bytes coded = kept != nullptr && *kept ? **kept : gzip(response.body);
    if (coded.empty() || coded.size() >= response.body.size()) {
        return response;
    }
    if (kept != nullptr) {
        *kept = coded;
    }
    response.body = std::move(coded);
    response.headers.push_back({"Content-Encoding", "gzip"});
    mark_tag(response);
    return response;
}

}   // namespace millrace::http
