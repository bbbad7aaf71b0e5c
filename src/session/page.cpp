#include "session/page.hpp"

#include "hub/name.hpp"
#include "protocol/http/content_coding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view asset_root = "/assets/";
constexpr std::string_view port_mark = "@RTMP_PORT@";
constexpr std::string_view root_mark = "@ROOT@";
constexpr std::string_view robots = "User-agent: *\nDisallow: /\n";
constexpr std::string_view immutable = "public, max-age=31536000, immutable";
constexpr std::string_view no_cache = "no-cache";

/// CSP 3: what a page of ours may do. `connect-src 'self'` covers the WebSockets of this origin; `blob:` is
/// how a MediaSource is named; nothing inline, nothing from elsewhere, no text that becomes markup.
constexpr std::string_view policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

/// One form of a file, as it leaves.
struct Form {
    Bytes body;
    std::string tag;
    std::string_view encoding;   ///< Content-Encoding; empty for none
};

/// One answer in its forms, made once and shared by every request.
struct Document {
    std::string_view type;
    std::string_view cache;
    Form plain;
    std::optional<Form> gzip;
};

web::Response answer_of(const Document& document, const Form& form) {
    web::Response response;
    response.headers = {{"Content-Type", std::string{document.type}},
                        {"ETag", "\"" + form.tag + "\""},
                        {"Cache-Control", std::string{document.cache}},
                        {"Content-Security-Policy", std::string{policy}},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Vary", "Accept-Encoding"}};
    if (!form.encoding.empty()) {
        response.headers.push_back({"Content-Encoding", std::string{form.encoding}});
    }
    response.body = form.body;
    return response;
}

Document asset(const PageFile& file, std::string_view cache) {
    const std::string hash{file.hash};
    Document document{file.type, cache, {Bytes::lasting(as_bytes(file.bytes)), hash, {}}, std::nullopt};
    if (!file.gzip.empty()) {
        document.gzip = Form{Bytes::lasting(as_bytes(file.gzip)), hash + "-gzip", "gzip"};
    }
    return document;
}

void replace_all(std::string& text, std::string_view mark, std::string_view by) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + by.size())) {
        text.replace(at, mark.size(), by);
    }
}

/// A page with the node's facts in it. Its addresses are relative to one `depth` folders below the node's
/// root, so that they hold behind a proxy that puts a prefix before them.
Document page(const PageFile& file, const PageFacts& facts, std::size_t depth) {
    std::string text{file.bytes};
    const std::string port = fmt::format("{}", facts.rtmp_port);
    std::string root = depth == 0 ? "./" : "";
    for (std::size_t i = 0; i < depth; ++i) {
        root += "../";
    }
    replace_all(text, port_mark, port);
    replace_all(text, root_mark, root);
    Form form{Bytes::copy(text), fmt::format("{}-{}", file.hash, port), {}};
    Form coded{http::gzip(form.body), form.tag + "-gzip", "gzip"};
    return {file.type, no_cache, std::move(form), std::move(coded)};
}

Document text_file(std::string_view text) {
    return {"text/plain; charset=utf-8", no_cache, {Bytes::lasting(as_bytes(text)), "1", {}}, std::nullopt};
}

using Shared = std::shared_ptr<const Document>;

Task<web::Response> give(Shared document, bool gzip) {
    co_return answer_of(*document, gzip && document->gzip ? *document->gzip : document->plain);
}

web::Route route(std::function<bool(std::string_view path)> matches, Shared document) {
    return {.methods = {"GET"},
            .matches = std::move(matches),
            .answer = [document = std::move(document)](const web::Request& request, Executor&) {
                return give(document, http::accepts_gzip(request));
            }};
}

bool names_a_stream(std::string_view path) {
    const Result<hub::MediaPath> found = hub::split_media_path(path);
    return found && found->rest.empty();
}

/// The page of every stream: one document for each depth that a name can have.
web::Route route_of_names(const PageFile& file, const PageFacts& facts) {
    std::vector<Shared> pages;
    for (std::size_t depth = 0; depth < hub::StreamName::segments_max; ++depth) {
        pages.push_back(std::make_shared<const Document>(page(file, facts, depth)));
    }
    return {.methods = {"GET"},
            .matches = names_a_stream,
            .answer = [pages = std::move(pages)](const web::Request& request, Executor&) {
                const auto slashes = static_cast<std::size_t>(std::ranges::count(request.path, '/'));
                const std::size_t depth = std::min(std::max<std::size_t>(slashes, 1), pages.size()) - 1;
                return give(pages[depth], http::accepts_gzip(request));
            }};
}

web::Route route_at(std::string_view path, Document document) {
    return route([path](std::string_view asked) { return asked == path; },
                 std::make_shared<const Document>(std::move(document)));
}

}   // namespace

std::vector<web::Route> page_routes(std::span<const PageFile> files, PageFacts facts) {
    std::vector<web::Route> routes;
    routes.push_back(route_at("/robots.txt", text_file(robots)));
    for (const PageFile& file : files) {
        if (file.path == "/list.html") {
            routes.push_back(route_at("/", page(file, facts, 0)));
        } else if (file.path == "/player.html") {
            routes.push_back(route_of_names(file, facts));
        } else if (file.path.starts_with(asset_root)) {
            routes.push_back(route_at(file.path, asset(file, immutable)));
        }
        if (file.path.ends_with("/icon.svg")) {
            routes.push_back(route_at("/favicon.ico", asset(file, no_cache)));
        }
    }
    return routes;
}

}   // namespace millrace::session
