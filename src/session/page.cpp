#include "session/page.hpp"

#include "hub/name.hpp"
#include "protocol/http/content_coding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view asset_root = "/assets/";
constexpr std::string_view port_mark = "@RTMP_PORT@";
constexpr std::string_view kcp_mark = "@KCP@";
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
constexpr std::string_view connects_here = "connect-src 'self'";

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
    bool shared = false;   ///< pages of any origin may load it: the same for everybody, and no secret
    std::string policy{session::policy};
};

web::Response answer_of(const Document& document, const Form& form) {
    web::Response response;
    response.headers = {{"Content-Type", std::string{document.type}},
                        {"ETag", "\"" + form.tag + "\""},
                        {"Cache-Control", std::string{document.cache}},
                        {"Content-Security-Policy", document.policy},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Vary", "Accept-Encoding"}};
    if (document.shared) {
        response.headers.push_back({"Access-Control-Allow-Origin", "*"});
        response.headers.push_back({"Cross-Origin-Resource-Policy", "cross-origin"});
    }
    if (!form.encoding.empty()) {
        response.headers.push_back({"Content-Encoding", std::string{form.encoding}});
    }
    response.body = form.body;
    return response;
}

Document asset(const PageFile& file, std::string_view cache) {
    const std::string hash{file.hash};
    Document document{file.type, cache, {Bytes::lasting(as_bytes(file.bytes)), hash, {}}, std::nullopt, true};
    if (!file.gzip.empty()) {
        document.gzip = Form{Bytes::lasting(as_bytes(file.gzip)), hash + "-gzip", "gzip"};
    }
    return document;
}

void replace_all(std::string& text, std::string_view mark, std::string_view with) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + with.size())) {
        text.replace(at, mark.size(), with);
    }
}

/// The part of a page's tag that says whose links it tells of.
std::string tag_of(const PageFacts& facts) {
    constexpr std::size_t digits = 16;
    return facts.kcp_port == 0 ? ""
                               : fmt::format("-{}-{}", facts.kcp_port,
                                             std::string_view{facts.kcp_fingerprint}.substr(0, digits));
}

/// A page with the node's facts in it, for an address `folders` below the root. Its own addresses are
/// relative, so that it works under a path that a proxy put in front.
Document page(const PageFile& file, const PageFacts& facts, std::size_t folders) {
    std::string text{file.bytes};
    const std::string port = fmt::format("{}", facts.rtmp_port);
    std::string root = "./";
    for (std::size_t at = 0; at < folders; ++at) {
        root += "../";
    }
    const std::string kcp =
        facts.kcp_port == 0 ? "" : fmt::format("{} {}", facts.kcp_port, facts.kcp_fingerprint);
    replace_all(text, port_mark, port);
    replace_all(text, kcp_mark, kcp);
    replace_all(text, root_mark, root);
    Form form{Bytes::copy(text), fmt::format("{}-{}-{}{}", file.hash, port, folders, tag_of(facts)), {}};
    Form coded{http::gzip(form.body), form.tag + "-gzip", "gzip"};
    return {file.type, no_cache, std::move(form), std::move(coded), false};
}

Document text_file(std::string_view text) {
    return {"text/plain; charset=utf-8",
            no_cache,
            {Bytes::lasting(as_bytes(text)), "1", {}},
            std::nullopt,
            false};
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

web::Route route_at(std::string_view path, Document document) {
    return route([path](std::string_view asked) { return asked == path; },
                 std::make_shared<const Document>(std::move(document)));
}

bool names_a_stream(std::string_view path) {
    const Result<hub::MediaPath> found = hub::split_media_path(path);
    return found && found->rest.empty();
}

/// The player at every name: one document for each number of segments.
web::Route player_route(const PageFile& file, const PageFacts& facts) {
    std::vector<Shared> by_depth;
    for (std::size_t folders = 0; folders < hub::StreamName::segments_max; ++folders) {
        by_depth.push_back(std::make_shared<const Document>(page(file, facts, folders)));
    }
    return {.methods = {"GET"},
            .matches = names_a_stream,
            .answer = [by_depth = std::move(by_depth)](const web::Request& request, Executor&) {
                const auto slashes = static_cast<std::size_t>(std::ranges::count(request.path, '/'));
                const std::size_t folders = std::clamp<std::size_t>(slashes, 1, by_depth.size()) - 1;
                return give(by_depth[folders], http::accepts_gzip(request));
            }};
}

/// Assets with a hash in their path never change; one with a lasting name does, and pages elsewhere load it.
std::string_view cache_of(std::string_view path) {
    return path.substr(asset_root.size()).find('/') == std::string_view::npos ? no_cache : immutable;
}

}   // namespace

std::vector<web::Route> page_routes(std::span<const PageFile> files, const PageFacts& facts) {
    std::vector<web::Route> routes;
    routes.push_back(route_at("/robots.txt", text_file(robots)));
    for (const PageFile& file : files) {
        if (file.path == "/list.html") {
            routes.push_back(route_at("/", page(file, facts, 0)));
        } else if (file.path == "/player.html") {
            routes.push_back(player_route(file, facts));
        } else if (file.path.starts_with(asset_root)) {
            routes.push_back(route_at(file.path, asset(file, cache_of(file.path))));
        }
        if (file.path.ends_with("/icon.svg")) {
            routes.push_back(route_at("/favicon.ico", asset(file, no_cache)));
        }
    }
    return routes;
}

web::Route demo_page_route(std::span<const PageFile> files, std::uint16_t other_port) {
    const auto file = std::ranges::find(files, "/demo.html", &PageFile::path);
    if (file == files.end()) {
        return {.methods = {"GET"}, .matches = [](std::string_view) { return false; }, .answer = {}};
    }
    Document document = page(*file, {}, 0);
    const std::string there = fmt::format("{0} http://*:{1} ws://*:{1}", connects_here, other_port);
    replace_all(document.policy, connects_here, there);
    return route_at("/demo", std::move(document));
}

}   // namespace millrace::session
