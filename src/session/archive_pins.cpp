#include "session/archive_pins.hpp"

#include "base/date_time.hpp"
#include "hub/name.hpp"
#include "session/refused.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "archive";
constexpr std::string_view pins = "/api/v1/pins/";
constexpr Duration answer_deadline = 20s;

web::Response json(std::string_view text) {
    web::Response response = web::Response::text(200, text, "application/json");
    response.headers.push_back({"Cache-Control", "no-store"});
    return response;
}

std::string span_json(const archive::Span& span) {
    return fmt::format(R"({{"from":"{}","to":"{}"}})", date_time_text(span.from), date_time_text(span.to));
}

std::string list_json(const std::vector<archive::Span>& spans) {
    std::string items;
    for (const archive::Span& span : spans) {
        items += (items.empty() ? "" : ",") + span_json(span);
    }
    return fmt::format(R"({{"items":[{}],"total":{}}})", items, spans.size());
}

/// The range that a change names.
Result<archive::Span> span_of(const web::Request& request) {
    const auto from = parse_date_time(request.query_value("from").value_or(""));
    const auto to = parse_date_time(request.query_value("to").value_or(""));
    if (!from || !to) {
        return fail(Errc::malformed, "a range has from and to, times such as 2026-11-20T14:09:32Z");
    }
    if (*to <= *from) {
        return fail(Errc::malformed, "to is not behind from");
    }
    return archive::Span{*from, *to};
}

class PinsAnswer {
public:
    PinsAnswer(Desk& desk, archive::Keeper& keeper, const web::Request& request)
        : desk_{desk}, keeper_{keeper}, request_{request} {}

    Task<web::Response> run() {
        const Result<hub::StreamName> name =
            hub::StreamName::parse(std::string_view{request_.path}.substr(pins.size()));
        if (!name) {
            co_return refusal(name.error());
        }
        const bool looks = request_.method == "GET";
        hub::Petition petition =
            hub::petition_of(request_, looks ? hub::Action::archive : hub::Action::admin, protocol);
        petition.stream = looks ? name->text() : "";
        const Result<hub::Admitted> admitted =
            co_await hub::ask(desk_.admission, std::move(petition), desk_.executor);
        if (!admitted) {
            co_return refusal(admitted.error());
        }
        if (looks) {
            co_return co_await list(name->text());
        }
        co_return co_await change(name->text());
    }

private:
    Task<web::Response> list(std::string stream) {
        Answer<std::vector<archive::Span>> answer{desk_.executor};
        keeper_.pins(std::move(stream), answer.reply());
        const auto found = co_await answer.within(desk_.executor.now() + answer_deadline);
        co_return found ? json(list_json(*found)) : refusal(found.error());
    }

    Task<web::Response> change(std::string stream) {
        const Result<archive::Span> span = span_of(request_);
        if (!span) {
            co_return refusal(span.error());
        }
        const bool adds = request_.method == "PUT";
        archive::Pin pin{std::move(stream), *span};
        Answer<bool> answer{desk_.executor};
        if (adds) {
            keeper_.pin(std::move(pin), answer.reply());
        } else {
            keeper_.unpin(std::move(pin), answer.reply());
        }
        const Result<bool> done = co_await answer.within(desk_.executor.now() + answer_deadline);
        if (!done) {
            co_return refusal(done.error());
        }
        co_return adds ? json(span_json(*span)) : web::Response{.status = 204};
    }

    web::Response refusal(const Error& error) const {
        note_refusal(desk_, protocol, request_.peer, error);
        return web::refusal(request_, error);
    }

    Desk& desk_;
    archive::Keeper& keeper_;
    const web::Request& request_;
};

Task<web::Response> answer(Desk& desk, archive::Keeper& keeper, const web::Request& request) {
    PinsAnswer one{desk, keeper, request};
    co_return co_await one.run();
}

}   // namespace

web::Route archive_pins(Desk& desk, archive::Keeper& keeper) {
    return {.methods = {"GET", "PUT", "DELETE"},
            .matches = [](std::string_view path) { return path.starts_with(pins); },
            .answer = [&desk, &keeper](const web::Request& request,
                                       Executor&) { return answer(desk, keeper, request); }};
}

}   // namespace millrace::session
