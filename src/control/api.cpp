#include "control/api.hpp"

#include "base/gather.hpp"
#include "control/report_json.hpp"
#include "hub/name.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view streams_path = "/api/v1/streams";
constexpr Duration deadline = 10s;

using Audiences = std::map<std::string, Audience, std::less<>>;

web::Response json(std::string_view text) {
    return web::Response::text(200, text, "application/json");
}

Task<Result<Audiences>> count_viewers(const ApiSources& sources, Executor& executor) {
    std::vector<Executor*> executors;
    std::map<Executor*, hub::Sessions*> sessions;
    for (hub::Sessions* one : sources.sessions) {
        executors.push_back(&one->executor());
        sessions[&one->executor()] = one;
    }
    Answer<std::vector<hub::SessionReport>> answer{executor};
    gather(executors, answer.reply(),
           [sessions](Executor& worker) { return sessions.at(&worker)->reports(); });
    Result<std::vector<hub::SessionReport>> reports = co_await answer.within(executor.now() + deadline);
    if (!reports) {
        co_return std::unexpected(reports.error());
    }
    Audiences audiences;
    for (const hub::SessionReport& report : *reports) {
        if (report.facts.kind == hub::SessionKind::viewer) {
            Audience& audience = audiences[report.facts.stream];
            ++audience.viewers[std::string{report.facts.protocol}];
            audience.bytes_out += report.bytes_out;
            audience.writes += report.writes;
            audience.skips += report.skips;
        }
    }
    co_return audiences;
}

/// The document of one stream, or the list of all.
Task<web::Response> streams(ApiSources sources, web::Request request, std::optional<std::string> name,
                            Executor& executor) {
    const Result<hub::Admitted> admitted =
        co_await hub::ask(sources.admission, hub::petition_of(request, hub::Action::admin, "http"), executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    Answer<std::vector<hub::StreamReport>> answer{executor};
    sources.directory.report(name, answer.reply());
    Result<std::vector<hub::StreamReport>> reports = co_await answer.within(executor.now() + deadline);
    Result<Audiences> audiences = co_await count_viewers(sources, executor);
    if (!reports || !audiences) {
        co_return web::Response::problem(503, "the workers did not answer in time; try again");
    }
    std::ranges::sort(*reports, {}, &hub::StreamReport::name);
    if (!name) {
        co_return json(streams_json(*reports, *audiences));
    }
    if (reports->empty()) {
        co_return web::Response::problem(404, "no such stream: nobody publishes it now");
    }
    co_return json(stream_json(reports->front(), (*audiences)[*name]));
}

Task<web::Response> healthy() {
    co_return web::Response::text(200, "ok\n");
}

Task<web::Response> stream(const ApiSources& sources, const web::Request& request, Executor& executor) {
    const Result<hub::StreamName> name = hub::StreamName::parse(request.path.substr(streams_path.size() + 1));
    if (!name) {
        co_return web::Response::problem(400, name.error().what);
    }
    co_return co_await streams(sources, request, name->text(), executor);
}

}   // namespace

std::vector<web::Route> api_routes(ApiSources sources) {
    std::vector<web::Route> routes;
    routes.push_back({.methods = {"GET"},
                      .matches = [](std::string_view path) { return path == "/healthz"; },
                      .answer = [](const web::Request&, Executor&) { return healthy(); }});
    routes.push_back({.methods = {"GET"},
                      .matches = [](std::string_view path) { return path == streams_path; },
                      .answer =
                          [sources](const web::Request& request, Executor& executor) {
                              return streams(sources, request, std::nullopt, executor);
                          }});
    routes.push_back(
        {.methods = {"GET"},
         .matches = [](std::string_view path) { return path.starts_with(std::string{streams_path} + "/"); },
         .answer = [sources](const web::Request& request,
                             Executor& executor) { return stream(sources, request, executor); }});
    return routes;
}

}   // namespace millrace::control
