#include "control/api.hpp"

#include "control/api_words.hpp"
#include "control/exposition.hpp"
#include "control/metrics.hpp"
#include "control/openapi.hpp"
#include "control/report_json.hpp"
#include "hub/name.hpp"

#include <charconv>
#include <memory>

namespace millrace::control {

namespace {

constexpr std::string_view streams_path = "/api/v1/streams";
constexpr std::string_view sessions_path = "/api/v1/sessions";
constexpr std::string_view forwards_path = "/api/v1/forwards";
constexpr std::string_view recordings_path = "/api/v1/recordings";

using Shared = std::shared_ptr<const ApiSources>;
using Asked = const web::Request&;

web::Response no_answer() {
    return web::Response::problem(503, "the workers did not answer in time; try again");
}

Result<std::size_t> number_of(const web::Request& request, std::string_view key, std::size_t otherwise) {
    const std::optional<std::string> text = request.query_value(key);
    if (!text) {
        return otherwise;
    }
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc{} || end != text->data() + text->size() || text->empty()) {
        return fail(Errc::malformed, "offset and limit are whole numbers");
    }
    return number;
}

Result<Page> page_of(const web::Request& request) {
    const Result<std::size_t> offset = number_of(request, "offset", 0);
    const Result<std::size_t> limit = number_of(request, "limit", Page::limit_default);
    if (!offset || !limit) {
        return std::unexpected((offset ? limit : offset).error());
    }
    if (*limit < 1 || *limit > Page::limit_max) {
        return fail(Errc::malformed, "limit is 1 to 10000");
    }
    return Page{*offset, *limit};
}

/// How somebody may look at a stream, or at the list of them (""); an error if not at all.
Result<Reader> reader_of(const hub::Admitted& who, std::string_view stream) {
    if (who.may(hub::Action::admin, "")) {
        return Reader::administrator;
    }
    const Result<> plays = stream.empty() ? Result<>{} : who.may(hub::Action::play, stream);
    return plays ? Result<Reader>{Reader::player} : std::unexpected(plays.error());
}

Task<web::Response> list_streams(const ApiSources& sources, Asked request, Executor& executor,
                                 const hub::Admitted& who) {
    const Result<Page> page = page_of(request);
    if (!page) {
        co_return web::refusal(request, page.error());
    }
    Result<Overview> overview = co_await look(sources, std::nullopt, executor);
    if (!overview) {
        co_return no_answer();
    }
    std::erase_if(overview->streams, [&](const auto& one) { return !reader_of(who, one.name); });
    co_return json_answer(200, streams_json(overview->streams, audiences(overview->workers), *page,
                                            reader_of(who, "").value_or(Reader::player)));
}

Task<web::Response> show_stream(const ApiSources& sources, Asked request, Executor& executor,
                                const hub::Admitted& who) {
    const Result<hub::StreamName> name = hub::StreamName::parse(behind(request.path, streams_path));
    if (!name) {
        co_return web::refusal(request, name.error());
    }
    const Result<Reader> reader = reader_of(who, name->text());
    if (!reader) {
        co_return web::refusal(request, reader.error());
    }
    const Result<Overview> overview = co_await look(sources, name->text(), executor);
    if (!overview) {
        co_return no_answer();
    }
    if (overview->streams.empty()) {
        co_return web::Response::problem(404, "no such stream: nobody publishes it now");
    }
    co_return json_answer(
        200, stream_json(overview->streams.front(), audiences(overview->workers)[name->text()], *reader));
}

Task<web::Response> list_sessions(const ApiSources& sources, Asked request, Executor& executor) {
    const Result<Page> page = page_of(request);
    if (!page) {
        co_return web::refusal(request, page.error());
    }
    const Result<std::vector<WorkerReport>> workers = co_await look_at_workers(sources, executor);
    if (!workers) {
        co_return no_answer();
    }
    const SessionFilter filter{.stream = request.query_value("stream").value_or(""),
                               .kind = request.query_value("kind").value_or(""),
                               .protocol = request.query_value("protocol").value_or("")};
    co_return json_answer(200, sessions_json(*workers, filter, *page));
}

Task<web::Response> list_forwards(const ApiSources& sources, Asked request, Executor& executor) {
    const Result<Page> page = page_of(request);
    if (!page) {
        co_return web::refusal(request, page.error());
    }
    const Result<std::vector<WorkerReport>> workers = co_await look_at_workers(sources, executor);
    co_return workers ? json_answer(200, forwards_json(*workers, *page)) : no_answer();
}

Task<web::Response> end_session(const ApiSources& sources, Asked request, Executor& executor) {
    const std::optional<SessionId> id = SessionId::parse(behind(request.path, sessions_path));
    if (!id) {
        co_return web::Response::problem(404, "no such session");
    }
    const Result<> ended = co_await kick(sources, *id, executor);
    if (!ended) {
        co_return web::refusal(request, ended.error());
    }
    co_return web::Response{.status = 204};
}

/// GET shows a session, DELETE ends it.
Task<web::Response> one_session(const ApiSources& sources, Asked request, Executor& executor) {
    if (request.method == "DELETE") {
        co_return co_await end_session(sources, request, executor);
    }
    const Result<std::vector<WorkerReport>> workers = co_await look_at_workers(sources, executor);
    if (!workers) {
        co_return no_answer();
    }
    const std::string document = session_json(*workers, behind(request.path, sessions_path));
    co_return document.empty() ? web::Response::problem(404, "no such session: it may have ended")
                               : json_answer(200, document);
}

Task<web::Response> metrics(const ApiSources& sources, Asked /*request*/, Executor& executor) {
    const Result<Overview> overview = co_await look(sources, std::nullopt, executor);
    if (!overview) {
        co_return no_answer();
    }
    const bool ready = sources.readiness == nullptr || sources.readiness->phase() == Readiness::Phase::ready;
    const NodeFacts facts{.version = sources.version,
                          .ready = ready,
                          .process = sources.process ? std::optional{sources.process()} : std::nullopt,
                          .archive = sources.archive ? sources.archive() : std::nullopt};
    co_return web::Response::text(200, metrics_text(*overview, facts), Exposition::content_type);
}

/// The streams of which there are recordings that who asks may see.
Task<web::Response> list_recordings(const ApiSources& sources, Asked request, Executor& executor) {
    hub::Petition petition = hub::petition_of(request, hub::Action::archive, "http");
    petition.of_some = true;
    const Result<hub::Admitted> who = co_await hub::ask(sources.admission, std::move(petition), executor);
    const Result<Page> page = who ? page_of(request) : std::unexpected(who.error());
    if (!page) {
        co_return web::refusal(request, page.error());
    }
    if (sources.recordings == nullptr) {
        co_return web::Response::problem(404, "this node keeps no recordings");
    }
    Answer<ApiSources::Recordings> answer{executor};
    sources.recordings(answer.reply());
    Result<ApiSources::Recordings> found = co_await answer.within(executor.now() + api_deadline);
    if (!found) {
        co_return web::refusal(request, found.error());
    }
    if (!who->may(hub::Action::admin, "")) {
        std::erase_if(*found, [&](const auto& one) { return !who->may(hub::Action::archive, one.name); });
    }
    co_return json_answer(200, recorded_json(*found, *page));
}

Task<web::Response> show_archive(const ApiSources& sources, Asked /*request*/, Executor& /*executor*/) {
    const std::optional<ArchiveFacts> facts = sources.archive ? sources.archive() : std::nullopt;
    co_return facts ? json_answer(200, archive_json(*facts))
                    : web::Response::problem(404, "this node keeps no recordings");
}

/// Whether the process answers at all.
Task<web::Response> healthy(const ApiSources& /*sources*/, Asked /*request*/, Executor& /*executor*/) {
    co_return web::Response::text(200, "ok\n");
}

/// Whether this node is the right one to send somebody to.
Task<web::Response> ready(const ApiSources& sources, Asked /*request*/, Executor& /*executor*/) {
    using Phase = Readiness::Phase;
    const Phase phase = sources.readiness == nullptr ? Phase::ready : sources.readiness->phase();
    if (phase == Phase::ready) {
        co_return web::Response::text(200, "ready\n");
    }
    co_return web::Response::problem(
        503, phase == Phase::starting ? "this node is starting" : "this node is shutting down");
}

Task<web::Response> description(const ApiSources& /*sources*/, Asked /*request*/, Executor& /*executor*/) {
    web::Response response;
    response.headers.push_back({"Content-Type", "application/yaml"});
    response.headers.push_back({"Cache-Control", "no-cache"});
    response.body = Bytes::lasting(as_bytes(openapi_document()));
    co_return response;
}

using Answering = Task<web::Response> (*)(const ApiSources& sources, Asked request, Executor& executor);

/// Who may ask.
enum class For : std::uint8_t { anyone, players, administrators };

/// Who may play something, or administers: what is shown depends on who it is.
template <auto show>
Task<web::Response> to_players(const ApiSources& sources, Asked request, Executor& executor) {
    hub::Petition petition = hub::petition_of(request, hub::Action::play, "http");
    petition.of_some = true;
    const Result<hub::Admitted> admitted =
        co_await hub::ask(sources.admission, std::move(petition), executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    co_return co_await show(sources, request, executor, *admitted);
}

Task<web::Response> answer_administrator(const ApiSources& sources, Answering answer, Asked request,
                                         Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(sources.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    co_return co_await answer(sources, request, executor);
}

struct Row {
    For whom;
    std::vector<std::string> methods;
    std::function<bool(std::string_view)> matches;
    Answering answer;
};

}   // namespace

std::vector<web::Route> api_routes(ApiSources sources) {
    const auto shared = std::make_shared<const ApiSources>(std::move(sources));
    const std::vector<Row> rows{
        {For::anyone, {"GET"}, exactly("/healthz"), healthy},
        {For::anyone, {"GET"}, exactly("/readyz"), ready},
        {For::administrators, {"GET"}, exactly("/metrics"), metrics},
        {For::anyone, {"GET"}, exactly("/api/openapi.yaml"), description},
        {For::players, {"GET"}, exactly(streams_path), to_players<list_streams>},
        {For::players, {"GET"}, below(streams_path), to_players<show_stream>},
        {For::administrators, {"GET"}, exactly(forwards_path), list_forwards},
        {For::players, {"GET"}, exactly(recordings_path), list_recordings},
        {For::administrators, {"GET"}, exactly("/api/v1/archive"), show_archive},
        {For::administrators, {"GET"}, exactly(sessions_path), list_sessions},
        {For::administrators, {"GET", "DELETE"}, below(sessions_path), one_session},
    };
    std::vector<web::Route> routes;
    for (const Row& row : rows) {
        routes.push_back(
            {.methods = row.methods,
             .matches = row.matches,
             .answer = [shared, answer = row.answer, whom = row.whom](Asked request, Executor& executor) {
                 return whom == For::administrators ? answer_administrator(*shared, answer, request, executor)
                                                    : answer(*shared, request, executor);
             }});
    }
    return routes;
}

}   // namespace millrace::control
