#include "session/flv_play.hpp"

#include "base/log.hpp"
#include "container/flv_muxer.hpp"
#include "hub/name.hpp"
#include "protocol/http/answer.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "flv";
constexpr std::string_view ending = ".flv";
constexpr Duration join_deadline = 10s;

int status_of(Errc code) {
    switch (code) {
        case Errc::malformed: return 400;
        case Errc::not_found: return 404;
        case Errc::refused: return 403;
        case Errc::unsupported: return 415;
        case Errc::exhausted:
        case Errc::timed_out: return 503;
        default: return 500;
    }
}

/// Says why not, in HTTP's words and in the log.
web::Response refusal(const web::Request& request, const Error& error) {
    log::info(protocol, "{} was refused: {}", request.peer.text(), error.what);
    return web::Response::problem(status_of(error.code), error.what);
}

Task<Result<hub::Joined>> join(Desk& desk, std::string stream, const web::Request& request) {
    Answer<hub::Admitted> admitted{desk.executor};
    desk.admission.decide({.action = hub::Action::play,
                           .stream = stream,
                           .protocol = protocol,
                           .peer = request.peer,
                           .encrypted = request.encrypted,
                           .query = request.query,
                           .authorization = std::string{request.header("authorization").value_or("")}},
                          admitted.reply());
    const Instant deadline = desk.executor.now() + join_deadline;
    const Result<hub::Admitted> verdict = co_await admitted.within(deadline);
    if (!verdict) {
        co_return std::unexpected(verdict.error());
    }
    Answer<hub::Joined> joined{desk.executor};
    desk.mirrors.join(hub::flavour<flv::Muxer>({.form = protocol}),
                      {.protocol = protocol, .stream = std::move(stream), .peer = request.peer},
                      joined.reply());
    co_return co_await joined.within(deadline);
}

/// Pages of an allowed site may read the answer.
std::vector<web::Header> headers_for(const web::Request& request, const std::vector<std::string>& origins) {
    std::vector<web::Header> headers{{"Content-Type", "video/x-flv"}, {"Cache-Control", "no-store"}};
    if (origins.size() == 1 && origins.front() == "*") {
        headers.push_back({"Access-Control-Allow-Origin", "*"});
        return headers;
    }
    headers.push_back({"Vary", "Origin"});
    const std::optional<std::string_view> origin = request.header("origin");
    if (origin && std::ranges::find(origins, *origin) != origins.end()) {
        headers.push_back({"Access-Control-Allow-Origin", std::string{*origin}});
    }
    return headers;
}

/// A viewer on its way from HTTP to the fan-out.
struct Newcomer {
    hub::Joined joined;
    std::vector<web::Header> headers;
};

/// The response head and the file header leave first; then the fan-out serves the shared bytes.
Task<> hand_over(Desk& desk, Newcomer newcomer, std::unique_ptr<Connection> connection) {
    hub::Joined joined = std::move(newcomer.joined);
    std::vector<std::byte> lead = http::streaming_head(200, newcomer.headers);
    lead.insert(lead.end(), joined.lead.begin(), joined.lead.end());
    joined.seat->bind(*connection);
    desk.fan_out.join(*joined.log, {.connection = std::move(connection),
                                    .lead = Bytes{std::move(lead)},
                                    .back_channel = nullptr,
                                    .seat = std::move(joined.seat)});
    co_return;
}

Task<web::Response> answer(Desk& desk, const std::vector<std::string>& origins, const web::Request& request) {
    const Result<hub::MediaPath> path = hub::split_media_path(request.path);
    if (!path) {
        co_return refusal(request, path.error());
    }
    web::Response response;
    response.headers = headers_for(request, origins);
    if (request.method == "HEAD") {
        co_return response;
    }
    Result<hub::Joined> joined = co_await join(desk, path->name.text(), request);
    if (!joined) {
        co_return refusal(request, joined.error());
    }
    Newcomer newcomer{std::move(*joined), response.headers};
    response.takeover = [&desk, newcomer = std::move(newcomer)](
                            std::unique_ptr<Connection> connection,
                            std::vector<std::byte> /*later requests*/) mutable {
        return hand_over(desk, std::move(newcomer), std::move(connection));
    };
    co_return response;
}

}   // namespace

web::Route flv_play(Desk& desk, std::vector<std::string> origins) {
    return {.methods = {"GET"},
            .matches = [](std::string_view path) { return path.ends_with(ending); },
            .answer = [&desk, origins = std::move(origins)](
                          const web::Request& request, Executor&) { return answer(desk, origins, request); }};
}

}   // namespace millrace::session
