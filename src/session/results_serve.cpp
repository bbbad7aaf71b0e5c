#include "session/results_serve.hpp"

#include "hub/name.hpp"
#include "session/refused.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "results";
constexpr std::string_view streams = "/api/v1/streams/";
constexpr std::string_view results_ending = "/results";
constexpr std::string_view messages_ending = "/messages";
constexpr std::string_view lines_type = "application/x-ndjson";
constexpr Duration home_wait = 10s;

bool is_of(std::string_view ending, std::string_view path) {
    return path.ends_with(ending) && path.size() > streams.size() + ending.size();
}

/// "live/cam" of "/api/v1/streams/live/cam/results".
Result<hub::StreamName> stream_of(std::string_view path, std::string_view ending) {
    path.remove_prefix(streams.size());
    path.remove_suffix(ending.size());
    return hub::StreamName::parse(path);
}

/// All of them, or why the first that is wrong is.
Result<std::vector<media::TimedMessage>> messages_of(const web::Request& request) {
    const std::string_view type = request.header("content-type").value_or("");
    const bool lines = type.substr(0, type.find(';')) == lines_type;
    std::vector<media::TimedMessage> messages;
    std::string_view rest = request.body;
    do {
        const std::string_view one = lines ? rest.substr(0, rest.find('\n')) : rest;
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        if (lines && one.find_first_not_of(" \t\r") == one.npos) {
            continue;
        }
        Result<media::TimedMessage> message = media::read_message(one);
        if (!message) {
            return std::unexpected(message.error());
        }
        messages.push_back(std::move(*message));
        if (messages.size() > hub::Publication::messages_max) {
            return fail(Errc::malformed, "at most 64 results at once");
        }
    } while (!rest.empty());
    return messages;
}

/// The stream that the path names, to whoever may publish it.
Task<Result<std::string>> let_in(Desk& desk, const web::Request& request, std::string_view ending) {
    const Result<hub::StreamName> name = stream_of(request.path, ending);
    if (!name) {
        co_return std::unexpected(name.error());
    }
    hub::Petition petition = hub::petition_of(request, hub::Action::publish, protocol);
    petition.stream = name->text();
    const Result<hub::Admitted> admitted =
        co_await hub::ask(desk.admission, std::move(petition), desk.executor);
    co_return admitted ? Result<std::string>{name->text()} : std::unexpected(admitted.error());
}

Task<Result<web::Response>> take_results(Desk& desk, const web::Request& request) {
    const Result<std::string> stream = co_await let_in(desk, request, results_ending);
    if (!stream) {
        co_return std::unexpected(stream.error());
    }
    Result<std::vector<media::TimedMessage>> messages = messages_of(request);
    if (!messages) {
        co_return std::unexpected(messages.error());
    }
    const std::size_t said = messages->size();
    Answer<std::size_t> answer{desk.executor};
    desk.directory.say(*stream, std::move(*messages), answer.reply());
    const Result<std::size_t> taken = co_await answer.within(desk.executor.now() + home_wait);
    if (!taken) {
        co_return std::unexpected(taken.error());
    }
    if (*taken < said) {
        co_return fail(Errc::throttled,
                       "some of these results were left out: too many at once, or of no picture");
    }
    co_return web::Response{.status = 204};
}

Task<Result<web::Response>> take_message(Desk& desk, const web::Request& request) {
    const Result<std::string> stream = co_await let_in(desk, request, messages_ending);
    if (!stream) {
        co_return std::unexpected(stream.error());
    }
    Result<Bytes> message = media::one_line(request.body);
    if (!message) {
        co_return std::unexpected(message.error());
    }
    Answer<bool> answer{desk.executor};
    desk.directory.send_back(*stream, std::move(*message), answer.reply());
    const Result<bool> passed = co_await answer.within(desk.executor.now() + home_wait);
    co_return passed ? Result<web::Response>{web::Response{.status = 204}} : std::unexpected(passed.error());
}

Task<web::Response> answer(Desk& desk, const web::Request& request) {
    const bool results = is_of(results_ending, request.path);
    if (!results && !is_of(messages_ending, request.path)) {
        web::Response response = web::Response::problem(
            405,
            "results are posted to /api/v1/streams/NAME/results, messages to its publisher to …/messages");
        response.headers.push_back({"Allow", "GET, HEAD, PUT, DELETE, OPTIONS"});
        co_return response;
    }
    Result<web::Response> taken;
    if (results) {
        taken = co_await take_results(desk, request);
    } else {
        taken = co_await take_message(desk, request);
    }
    if (!taken) {
        note_refusal(desk, protocol, request.peer, taken.error());
        co_return web::refusal(request, taken.error());
    }
    co_return std::move(*taken);
}

}   // namespace

web::Route results_serve(Desk& desk) {
    return {.methods = {"POST"},
            .matches = [](std::string_view path) { return path.starts_with(streams); },
            .answer = [&desk](const web::Request& request, Executor&) { return answer(desk, request); }};
}

}   // namespace millrace::session
