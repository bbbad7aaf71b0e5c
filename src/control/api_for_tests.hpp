#pragma once

#include "base/virtual_time.hpp"
#include "control/api.hpp"

#include <optional>
#include <string>

namespace millrace::control::testing {

/// Lets in who says "Bearer sesame", an administrator, or "Bearer guest", who may play live/cam and see what
/// is recorded.
class Sesame final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        asked = petition;
        if (petition.authorization == "Bearer sesame") {
            reply.give(hub::Admitted{.identity = {.name = "user ali"},
                                     .may = [](hub::Action, std::string_view) { return Result<>{}; }});
        } else if (petition.authorization == "Bearer guest" && petition.of_some) {
            reply.give(hub::Admitted{.identity = {.name = "user eve"}, .may = guest_may});
        } else {
            reply.give(fail(Errc::unauthenticated, "say who you are"));
        }
    }
    std::optional<hub::Petition> asked;

private:
    static Result<> guest_may(hub::Action action, std::string_view stream) {
        const bool may = action == hub::Action::play || action == hub::Action::archive;
        return may && stream == "live/cam" ? Result<>{} : fail(Errc::refused, "not for guests");
    }
};

/// The route of a path, as http_serve finds it; null if there is none.
inline const web::Route* route_of(const std::vector<web::Route>& routes, std::string_view path) {
    for (const web::Route& route : routes) {
        if (route.matches(path)) {
            return &route;
        }
    }
    return nullptr;
}

/// A session that was told to end.
class Somebody final : public hub::Sessions::Entry {
public:
    using Entry::Entry;
    void end(Error reason) override { ended_by = reason; }
    hub::SessionReport report() const override { return {.id = id(), .facts = facts(), .bytes_out = 1000}; }
    std::optional<Error> ended_by;
};

/// A node of two workers and its API.
struct Node {
    ~Node() { time.stop(); }

    /// `proof`: what stands behind "Bearer"; empty: nothing comes.
    web::Response ask(std::string method, std::string target, std::string_view proof = "sesame") {
        web::Request request{.method = std::move(method), .path = target.substr(0, target.find('?'))};
        request.query = target.substr(std::min(target.size(), target.find('?') + 1));
        if (target.find('?') == std::string::npos) {
            request.query.clear();
        }
        if (!proof.empty()) {
            request.headers.push_back({"Authorization", fmt::format("Bearer {}", proof)});
        }
        const web::Route* const route = route_of(routes, request.path);
        if (route == nullptr) {
            return web::Response::problem(404, "no route");
        }
        std::optional<web::Response> response;
        a.tasks().spawn(take(*route, request, a, response));
        time.settle();
        return response ? std::move(*response) : web::Response::problem(504, "no answer");
    }

    VirtualTime time;
    SeededRandom random{7};
    VirtualExecutor& a = time.add_executor();
    VirtualExecutor& b = time.add_executor();
    hub::Directory directory{{}, random};
    hub::Sessions sessions_a{a};
    hub::Sessions sessions_b{b};
    hub::Tally tally_a;
    hub::Tally tally_b;
    Sesame admission;
    Readiness readiness;
    std::optional<ApiSources::Recordings> recordings;
    std::vector<web::Route> routes =
        api_routes({.directory = directory,
                    .admission = admission,
                    .sessions = {&sessions_a, &sessions_b},
                    .tallies = {&tally_a, &tally_b},
                    .readiness = &readiness,
                    .process = [] { return ProcessFacts{.resident_bytes = 5, .cpu_seconds = 1.5}; },
                    .recordings =
                        [this](Reply<ApiSources::Recordings> reply) {
                            if (!recordings) {
                                return reply.give(fail(Errc::refused, "the archive cannot be read now"));
                            }
                            reply.give(*recordings);
                        },
                    .version = "1.2.3"});

private:
    static Task<> take(const web::Route& route, const web::Request& request, Executor& executor,
                       std::optional<web::Response>& response) {
        response = co_await route.answer(request, executor);
    }
};

inline std::string_view body(const web::Response& response) {
    return as_text(response.body.span());
}

}   // namespace millrace::control::testing
