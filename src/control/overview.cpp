#include "control/overview.hpp"

#include "base/gather.hpp"
#include "control/api_words.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::control {

namespace {

std::vector<Executor*> executors(const ApiSources& sources) {
    std::vector<Executor*> executors;
    for (const hub::Sessions* one : sources.sessions) {
        executors.push_back(&one->executor());
    }
    return executors;
}

/// What the worker at home on `executor` shows; runs there.
WorkerReport report_of(const ApiSources& sources, Executor& executor) {
    const auto own = std::ranges::find_if(
        sources.sessions, [&](const hub::Sessions* one) { return &one->executor() == &executor; });
    WorkerReport report{.worker = static_cast<std::size_t>(own - sources.sessions.begin()),
                        .now = executor.now(),
                        .utc = executor.clock().utc(),
                        .load = executor.load(),
                        .sessions = (*own)->reports(),
                        .departed = (*own)->departed()};
    if (report.worker < sources.forwards.size()) {
        report.forwards = sources.forwards[report.worker]();
    }
    if (report.worker < sources.tallies.size()) {
        report.refusals = sources.tallies[report.worker]->rows();
        report.answers = sources.tallies[report.worker]->answers();
    }
    return report;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

}   // namespace

std::string WorkerReport::id_of(const hub::SessionReport& session) const {
    return fmt::format("{}-{}", worker, session.id);
}

WallTime WorkerReport::began(const hub::SessionReport& session) const {
    return {utc.microseconds - (now - session.facts.since) / 1us};
}

std::optional<SessionId> SessionId::parse(std::string_view text) {
    SessionId id;
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || !read_number(text.substr(0, dash), id.worker) ||
        !read_number(text.substr(dash + 1), id.number)) {
        return std::nullopt;
    }
    return id;
}

Task<Result<std::vector<hub::StreamReport>>> look_at_streams(const ApiSources& sources,
                                                             std::optional<std::string> name,
                                                             Executor& executor) {
    Answer<std::vector<hub::StreamReport>> answer{executor};
    sources.directory.report(std::move(name), answer.reply());
    Result<std::vector<hub::StreamReport>> reports = co_await answer.within(executor.now() + api_deadline);
    if (reports) {
        std::ranges::sort(*reports, {}, &hub::StreamReport::name);
    }
    co_return reports;
}

Task<Result<std::vector<WorkerReport>>> look_at_workers(const ApiSources& sources, Executor& executor) {
    Answer<std::vector<WorkerReport>> answer{executor};
    gather(executors(sources), answer.reply(),
           [&sources](Executor& worker) { return std::vector<WorkerReport>{report_of(sources, worker)}; });
    Result<std::vector<WorkerReport>> reports = co_await answer.within(executor.now() + api_deadline);
    if (reports) {
        std::ranges::sort(*reports, {}, &WorkerReport::worker);
    }
    co_return reports;
}

Task<Result<Overview>> look(const ApiSources& sources, std::optional<std::string> stream,
                            Executor& executor) {
    Overview overview;
    Result<std::vector<hub::StreamReport>> streams =
        co_await look_at_streams(sources, std::move(stream), executor);
    if (!streams) {
        co_return std::unexpected(streams.error());
    }
    Result<std::vector<WorkerReport>> workers = co_await look_at_workers(sources, executor);
    if (!workers) {
        co_return std::unexpected(workers.error());
    }
    overview.streams = std::move(*streams);
    overview.workers = std::move(*workers);
    co_return overview;
}

Task<Result<>> kick(const ApiSources& sources, SessionId id, Executor& executor) {
    if (id.worker >= sources.sessions.size()) {
        co_return fail(Errc::not_found, "no such session");
    }
    hub::Sessions& sessions = *sources.sessions[id.worker];
    Answer<std::vector<int>> answer{executor};
    gather({&sessions.executor()}, answer.reply(), [&sessions, number = id.number](Executor&) {
        hub::Sessions::Entry* const entry = sessions.find(number);
        if (entry != nullptr) {
            entry->end({Errc::cancelled, "an administrator ended this session"});
        }
        return std::vector<int>{entry != nullptr ? 1 : 0};
    });
    const Result<std::vector<int>> found = co_await answer.within(executor.now() + api_deadline);
    if (!found) {
        co_return std::unexpected(found.error());
    }
    if (found->front() == 0) {
        co_return fail(Errc::not_found, "no such session: it may have ended");
    }
    co_return Result<>{};
}

}   // namespace millrace::control
