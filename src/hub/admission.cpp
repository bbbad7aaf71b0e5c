#include "hub/admission.hpp"

namespace millrace::hub {

std::string_view name(Action action) {
    switch (action) {
        case Action::publish: return "publish";
        case Action::play: return "play";
        case Action::archive: return "archive";
        case Action::admin: return "admin";
    }
    return "admin";
}

Petition petition_of(const web::Request& request, Action action, std::string_view protocol) {
    const auto field = [&](std::string_view name) { return std::string{request.header(name).value_or("")}; };
    const bool reads = request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
    return {.action = action,
            .stream = {},
            .protocol = protocol,
            .peer = request.peer,
            .encrypted = request.encrypted,
            .query = request.query,
            .authorization = field("authorization"),
            .cookie = field("cookie"),
            .host = field("host"),
            .origin = field("origin"),
            .csrf_token = field("x-csrf-token"),
            .changes = !reads,
            .let_in = request.let_in};
}

std::optional<Result<Admitted>> ask_now(Admission& admission, const Petition& petition) {
    std::optional<Result<Admitted>> known = admission.decide_now(petition);
    if (known && *known && petition.let_in) {
        petition.let_in();
    }
    return known;
}

Task<Result<Admitted>> ask(Admission& admission, Petition petition, Executor& executor) {
    if (std::optional<Result<Admitted>> known = ask_now(admission, petition)) {
        co_return *std::move(known);
    }
    const std::function<void()> let_in = std::exchange(petition.let_in, nullptr);   // stays on this thread
    Answer<Admitted> answer{executor};
    admission.decide(std::move(petition), answer.reply());
    Result<Admitted> admitted = co_await answer.within(executor.now() + Admission::decision_deadline);
    if (admitted && let_in) {
        let_in();
    }
    co_return admitted;
}

}   // namespace millrace::hub
