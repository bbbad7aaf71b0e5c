#include "session/media_answer.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view methods = "GET, HEAD, OPTIONS";

bool open_to_all(const std::vector<std::string>& origins) {
    return origins.size() == 1 && origins.front() == "*";
}

bool is_listed(std::string_view origin, const std::vector<std::string>& origins) {
    return std::ranges::find(origins, origin) != origins.end();
}

/// "10.0.0.1:8080", "[::1]", "localhost:80": what no name server has a say in.
bool is_no_name(std::string_view host) {
    if (host.starts_with('[')) {
        return true;
    }
    const std::string_view name = host.substr(0, host.find(':'));
    const bool number =
        !name.empty() && std::ranges::all_of(name, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    return number || web::same_name(name, "localhost");
}

}   // namespace

bool heeds_origin(const std::vector<std::string>& origins) {
    return !open_to_all(origins);
}

std::vector<web::Header> media_headers(const web::Request& request, const std::vector<std::string>& origins) {
    constexpr std::size_t usual_count = 10;   // with those of the answer itself
    std::vector<web::Header> headers;
    headers.reserve(usual_count);
    if (open_to_all(origins)) {
        headers.push_back({"Access-Control-Allow-Origin", "*"});
    } else {
        headers.push_back({"Vary", "Origin"});
        const auto origin = request.header("Origin");
        if (!origin || !is_listed(*origin, origins)) {
            return headers;
        }
        headers.push_back({"Access-Control-Allow-Origin", std::string{*origin}});
    }
    headers.push_back(
        {"Access-Control-Expose-Headers", "Content-Range, Date, ETag, Retry-After, X-Timestamp"});
    return headers;
}

web::Response media_options(const web::Request& request, const std::vector<std::string>& origins) {
    web::Response response;
    response.status = 204;
    response.headers = media_headers(request, origins);
    response.headers.push_back({"Allow", std::string{methods}});
    response.headers.push_back({"Access-Control-Allow-Methods", std::string{methods}});
    response.headers.push_back(
        {"Access-Control-Allow-Headers", "Authorization, If-Match, If-None-Match, If-Range, Range"});
    response.headers.push_back({"Access-Control-Max-Age", "86400"});
    return response;
}

web::Response media_refusal(const web::Request& request, const std::vector<std::string>& origins, Error why) {
    web::Response response = web::refusal(request, why);
    std::ranges::move(media_headers(request, origins), std::back_inserter(response.headers));
    return response;
}

web::Response websocket_wanted(const web::Request& request, const std::vector<std::string>& origins) {
    web::Response response = web::Response::problem(426, "this address is a WebSocket: open it by ws://");
    std::ranges::move(media_headers(request, origins), std::back_inserter(response.headers));
    response.headers.push_back({"Upgrade", "websocket"});   // RFC 9110 §15.5.22
    return response;
}

bool may_open_websocket(const web::Request& request, const std::vector<std::string>& origins) {
    const auto origin = request.header("Origin");
    if (!origin || open_to_all(origins) || is_listed(*origin, origins)) {
        return true;
    }
    const std::string_view host = request.header("Host").value_or("");
    const std::string_view scheme = request.encrypted ? "https://" : "http://";
    return is_no_name(host) && origin->starts_with(scheme) &&
           web::same_name(origin->substr(scheme.size()), host);
}

std::string proof_of(std::string_view query) {
    std::string kept;
    while (!query.empty()) {
        const std::string_view field = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(field.size() + 1, query.size()));
        const std::string_view key = field.substr(0, field.find('='));
        if (key == "token" || key == "user" || key == "pass") {
            kept.append(kept.empty() ? "" : "&").append(field);
        }
    }
    return kept;
}

}   // namespace millrace::session
