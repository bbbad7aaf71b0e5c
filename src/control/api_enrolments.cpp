#include "base/date_time.hpp"
#include "base/hex.hpp"
#include "base/url.hpp"
#include "control/api_changes.hpp"
#include "control/enrolment.hpp"

#include <algorithm>
#include <charconv>

// Boxes that are to come: an administrator makes a token, which is good for one of them and a stated time.

namespace millrace::control {

namespace {

constexpr std::string_view path = "/api/v1/enrolments";
constexpr unsigned hours_max = 24 * 90;

YamlNode shown(const Enrolment& one) {
    YamlNode value = map_node();
    put(value, "name", text_node(one.name));
    put(value, "stream", text_node(one.stream));
    put(value, "expires", text_node(date_time_text(one.expires)));
    if (one.used) {
        put(value, "used", text_node(date_time_text(*one.used)));
        put(value, "from", text_node(one.from));
    }
    return value;
}

Task<web::Response> list(ApiMeans means, web::Request request, Executor& executor) {
    auto looked = co_await admit_and_look(means, request, executor);
    if (auto* const refused = std::get_if<web::Response>(&looked)) {
        co_return std::move(*refused);
    }
    YamlNode items = list_node();
    for (const Enrolment& one : enrolments_of(std::get<StandingRef>(looked)->state)) {
        items.items.push_back(shown(one));
    }
    co_return json_list(std::move(items));
}

/// What is wished for, or why not.
struct Order {
    std::string name;
    std::string stream;
    std::string server;   ///< HOST of the token; empty: by which the caller reached us
    unsigned hours = 24;
};
std::variant<Order, web::Response> order_of(const web::Request& request) {
    auto body = json_body(request);
    if (auto* const refused = std::get_if<web::Response>(&body)) {
        return std::move(*refused);
    }
    const YamlNode& root = std::get<YamlNode>(body);
    if (root.kind != YamlNode::Kind::map) {
        return web::Response::problem(422, "the body is an object such as {\"stream\": \"live/gate\"}");
    }
    Order order;
    for (const YamlNode& entry : root.items) {
        const std::string& text = entry.text;
        if (entry.key == "name") {
            order.name = text;
        } else if (entry.key == "stream") {
            order.stream = text;
        } else if (entry.key == "server") {
            order.server = text;
        } else if (entry.key == "hours") {
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), order.hours);
            if (error != std::errc{} || end != text.data() + text.size() || order.hours == 0 ||
                order.hours > hours_max) {
                return web::Response::problem(422, fmt::format("hours: wanted is 1 to {}", hours_max));
            }
        } else {
            return web::Response::problem(
                422, fmt::format("{}: unknown; an enrolment has name, stream, server and hours", entry.key));
        }
    }
    if (order.name.empty()) {
        order.name = order.stream.substr(order.stream.rfind('/') + 1);
    }
    return order;
}

/// Without its port.
std::string host_of(std::string_view authority) {
    const std::size_t colon = authority.rfind(':');
    const bool port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
    return std::string{authority.substr(0, port ? colon : authority.size())};
}

Task<web::Response> make(ApiMeans means, web::Request request, Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    auto ordered = order_of(request);
    if (auto* const refused = std::get_if<web::Response>(&ordered)) {
        co_return std::move(*refused);
    }
    Order& order = std::get<Order>(ordered);
    const std::uint16_t port = means.link_port == nullptr ? 0 : means.link_port->load();
    if (port == 0) {
        co_return web::Response::problem(409,
                                         "boxes come by links, and there are none to this node: set "
                                         "kcp.listen");
    }
    const std::string server =
        order.server.empty() ? host_of(request.header("host").value_or("")) : order.server;
    if (server.empty() || !parse_url(fmt::format("kcp://{}:{}/a", server, port))) {
        co_return web::Response::problem(422, "server: wanted is the host by which boxes reach this node");
    }
    Enrolment added{
        .name = order.name,
        .stream = order.stream,
        .key = std::vector<std::byte>(Enrolment::key_size),
        .expires = {executor.clock().utc().microseconds + std::int64_t{order.hours} * 3'600'000'000}};
    means.random.fill(added.key);
    auto refused = co_await make_change(means.steward, executor, [added](State& state, const Standing& now) {
        return add_enrolment(state, now, added);
    });
    if (refused) {
        co_return std::move(*refused);
    }
    YamlNode answer = shown(added);
    // Now, and never again.
    put(answer, "token",
        text_node(fmt::format("kcp://{}:{}@{}:{}/{}", added.name, hex_text(added.key), server, port,
                              added.stream)));
    co_return json_answer(201, json_text(answer));
}

Task<web::Response> take_away(ApiMeans means, web::Request request, Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    auto refused =
        co_await make_change(means.steward, executor,
                             [name = std::string{behind(request.path, path)}](State& state, const Standing&) {
                                 return drop_enrolment(state, name);
                             });
    co_return refused ? std::move(*refused) : web::Response{.status = 204};
}

}   // namespace

std::vector<web::Route> enrolment_routes(ApiMeans means) {
    std::vector<web::Route> routes;
    routes.push_back({.methods = {"GET", "POST"},
                      .matches = exactly(path),
                      .answer = [means](const web::Request& request, Executor& executor) {
                          return request.method == "POST" ? make(means, request, executor)
                                                          : list(means, request, executor);
                      }});
    routes.push_back({.methods = {"DELETE"},
                      .matches = below(path),
                      .answer = [means](const web::Request& request, Executor& executor) {
                          return take_away(means, request, executor);
                      }});
    return routes;
}

}   // namespace millrace::control
