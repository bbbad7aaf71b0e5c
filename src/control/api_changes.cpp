#include "control/api_changes.hpp"

#include <algorithm>

namespace millrace::control {

Task<std::optional<web::Response>> make_change(Steward& steward, Executor& executor, Steward::Edit edit) {
    Answer<Outcome> answer{executor};
    if (edit == nullptr) {
        steward.reload(answer.reply());
    } else {
        steward.change(std::move(edit), answer.reply());
    }
    Result<Outcome> outcome = co_await answer.within(executor.now() + api_deadline);
    if (!outcome) {
        co_return web::Response::problem(
            503, "the change was not done in time; look whether it is, and try again");
    }
    if (outcome->status >= 400) {
        co_return web::Response::problem(outcome->status, outcome->words);
    }
    co_return std::nullopt;
}

Task<Result<StandingRef>> standing_of(Steward& steward, Executor& executor) {
    Answer<StandingRef> answer{executor};
    steward.ask(answer.reply());
    Result<StandingRef> standing = co_await answer.within(executor.now() + api_deadline);
    co_return standing;
}

Task<std::variant<StandingRef, web::Response>> admit_and_look(const ApiMeans& means,
                                                              const web::Request& request,
                                                              Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    const Result<StandingRef> standing = co_await standing_of(means.steward, executor);
    if (!standing) {
        co_return web::Response::problem(503, "the node is busy; try again");
    }
    co_return *standing;
}

void join_route(std::vector<web::Route>& routes, std::string_view path, const web::Route& more) {
    const auto first =
        std::ranges::find_if(routes, [&](const web::Route& route) { return route.matches(path); });
    if (first == routes.end()) {
        routes.push_back(more);
        return;
    }
    first->methods.insert(first->methods.end(), more.methods.begin(), more.methods.end());
    first->answer = [before = first->answer, more](const web::Request& request, Executor& executor) {
        const bool mine = std::ranges::find(more.methods, request.method) != more.methods.end();
        return mine ? more.answer(request, executor) : before(request, executor);
    };
}

YamlNode* find_named(YamlNode& list, std::string_view name) {
    const auto found = std::ranges::find_if(list.items, [&](const YamlNode& entry) {
        const YamlNode* const its = find(entry, "name");
        return its != nullptr && its->text == name;
    });
    return found == list.items.end() ? nullptr : &*found;
}

std::optional<Outcome> refuse_fixed(const Standing& now, std::string_view key) {
    if (const auto where = fixed_by(now.configuration, key)) {
        return Outcome{409, fmt::format("{} is fixed by {}; change it there", key, *where)};
    }
    return std::nullopt;
}

}   // namespace millrace::control
