#include "control/sign_in.hpp"

#include "control/api_words.hpp"
#include "control/cookie.hpp"

#include <fmt/format.h>

namespace millrace::control {

namespace {

constexpr std::string_view protocol = "http";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

/// RFC 6265 §4.1; SameSite of RFC 6265bis §4.1.2.7: no other site's page makes a browser send it.
std::string set_cookie(std::string_view value, std::chrono::seconds lasts, bool encrypted) {
    return fmt::format("{}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{}", cookie_name, value,
                       lasts.count(), encrypted ? "; Secure" : "");
}

std::string session_text(const SignedIn& session) {
    const std::string& name = session.identity.name;
    const std::size_t space = std::min(name.find(' '), name.size());
    std::string actions;
    for (const std::string_view action : session.actions) {
        actions += (actions.empty() ? "" : ", ") + web::json_quoted(action);
    }
    // "user cam", "token door", "anyone"
    return fmt::format(R"({{"kind": {}, "user": {}, "actions": [{}], "admin": {}, "csrf": {}}})"
                       "\n",
                       web::json_quoted(name.substr(0, space)),
                       web::json_quoted(name.substr(space == name.size() ? 0 : space + 1)), actions,
                       session.admin,
                       session.csrf_token.empty() ? "null" : web::json_quoted(session.csrf_token));
}

web::Response why_not(const web::Request& request, const Error& why) {
    web::Response response = web::refusal(request, why);
    response.headers.push_back({"Cache-Control", "no-store"});
    return response;
}

/// A value of the JSON object that came.
std::optional<std::string> text_of(const YamlNode& object, std::string_view key) {
    const YamlNode* const value = find(object, key);
    return value != nullptr && value->kind == YamlNode::Kind::scalar ? std::optional{value->text}
                                                                     : std::nullopt;
}

Result<Proof> form_proof(std::string_view fields) {
    auto user = field_of(fields, "user");
    auto password = field_of(fields, "pass");
    auto token = field_of(fields, "token");
    if (!user || !password || !token) {
        return fail(Errc::malformed, "the form's fields are user and pass, or token");
    }
    return proof_of({std::move(*user), std::move(*password), std::move(*token)});
}

/// What the form or JSON proves, or the answer that says what is wrong with it.
std::variant<Proof, web::Response> body_proof(const web::Request& request) {
    const std::string_view type = request.header("content-type").value_or("");
    Result<Proof> proof = NoProof{};
    if (web::same_name(type.substr(0, form_type.size()), form_type)) {
        proof = form_proof(request.body);
    } else {
        auto body = json_body(request);
        if (auto* const wrong = std::get_if<web::Response>(&body)) {
            return std::move(*wrong);
        }
        const YamlNode& object = std::get<YamlNode>(body);
        proof = proof_of({text_of(object, "user"), text_of(object, "pass"), text_of(object, "token")});
    }
    if (!proof) {
        return why_not(request, proof.error());
    }
    if (std::holds_alternative<NoProof>(*proof)) {
        return web::Response::problem(400, "wanted are user and pass, or token");
    }
    return std::move(*proof);
}

Task<web::Response> log_in(Gate& gate, const web::Request& request, Executor& executor) {
    auto proof = body_proof(request);
    if (auto* const wrong = std::get_if<web::Response>(&proof)) {
        co_return std::move(*wrong);
    }
    Answer<SignedIn> answer{executor};
    gate.sign_in(hub::petition_of(request, hub::Action::play, protocol), std::move(std::get<Proof>(proof)),
                 answer.reply());
    const Result<SignedIn> session = co_await answer.within(executor.now() + api_deadline);
    if (!session) {
        co_return why_not(request, session.error());
    }
    web::Response response = json_answer(200, session_text(*session));
    const auto lasts = std::chrono::duration_cast<std::chrono::seconds>(sign_in_lasts);
    response.headers.push_back({"Set-Cookie", set_cookie(session->cookie, lasts, request.encrypted)});
    co_return response;
}

Task<web::Response> log_out(Gate& gate, const web::Request& request, Executor& executor) {
    Answer<bool> answer{executor};
    gate.look_at_origin(hub::petition_of(request, hub::Action::play, protocol), answer.reply());
    const Result<bool> allowed = co_await answer.within(executor.now() + api_deadline);
    if (!allowed) {
        co_return why_not(request, allowed.error());
    }
    web::Response response{.status = 204};
    response.headers.push_back({"Cache-Control", "no-store"});
    response.headers.push_back({"Set-Cookie", set_cookie("", {}, request.encrypted)});
    co_return response;
}

Task<web::Response> session(Gate& gate, const web::Request& request, Executor& executor) {
    Answer<SignedIn> answer{executor};
    gate.identify(hub::petition_of(request, hub::Action::play, protocol), answer.reply());
    const Result<SignedIn> found = co_await answer.within(executor.now() + api_deadline);
    co_return found ? json_answer(200, session_text(*found)) : why_not(request, found.error());
}

using Serve = Task<web::Response> (*)(Gate& gate, const web::Request& request, Executor& executor);

web::Route route(Gate& gate, std::string_view path, std::string method, Serve serve) {
    return {.methods = {std::move(method)},
            .matches = [path](std::string_view asked) { return asked == path; },
            .answer = [&gate, serve](const web::Request& request,
                                     Executor& executor) { return serve(gate, request, executor); }};
}

}   // namespace

std::vector<web::Route> sign_in_routes(Gate& gate) {
    return {route(gate, "/login", "POST", log_in), route(gate, "/logout", "POST", log_out),
            route(gate, "/api/v1/session", "GET", session)};
}

}   // namespace millrace::control
