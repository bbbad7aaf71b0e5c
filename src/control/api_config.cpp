#include "control/api_changes.hpp"
#include "control/configuration_values.hpp"

namespace millrace::control {

namespace {

constexpr std::string_view config_path = "/api/v1/config";
constexpr std::string_view reload_path = "/api/v1/config/reload";

std::string document(const Standing& standing, const ApiMeans& means) {
    YamlNode root = map_node();
    put(root, "file", standing.file_name.empty() ? YamlNode{} : text_node(standing.file_name));
    State values;   // a tree of the same shape as an overlay
    if (means.link_fingerprint != nullptr && !means.link_fingerprint->empty()) {
        put(root, "kcp_fingerprint", text_node(*means.link_fingerprint));
    }
    YamlNode origins = map_node();
    YamlNode keys = list_node();
    for (const ConfigurationKey& key : configuration_keys()) {
        YamlNode value = configuration_value(standing.configuration, key.name);
        YamlNode& place = overlay_place(values, key.name, value.kind);
        value.key = std::move(place.key);
        place = std::move(value);
        const auto origin = standing.configuration.origins.find(key.name);
        put(origins, key.name,
            text_node(
                name(origin == standing.configuration.origins.end() ? Origin::standard : origin->second)));
        YamlNode words = map_node();
        put(words, "name", text_node(key.name));
        put(words, "type", text_node(key.type));
        put(words, "default", text_node(key.fallback));
        put(words, "help", text_node(key.help));
        keys.items.push_back(std::move(words));
    }
    put(root, "keys", std::move(keys));
    put(root, "values", std::move(values.overlay));
    put(root, "origins", std::move(origins));
    put(root, "overlay", masked_overlay(standing.state.overlay));
    return json_text(root);
}

Task<web::Response> show(ApiMeans means, web::Request request, Executor& executor) {
    auto looked = co_await admit_and_look(means, request, executor);
    if (auto* const refused = std::get_if<web::Response>(&looked)) {
        co_return std::move(*refused);
    }
    co_return json_answer(200, document(*std::get<StandingRef>(looked), means));
}

/// What a patch makes of the overlay, or why not.
Outcome patch_overlay(State& state, const Standing& now, const YamlNode& patch) {
    State wanted;
    wanted.overlay = patch;
    for (const ConfigurationKey& key : configuration_keys()) {
        if (overlay_value(wanted, key.name) == nullptr) {
            continue;
        }
        if (key.name == "storage.path") {
            return {409, "storage.path says where this change would be kept: write it into the file"};
        }
        if (key.name == "storage.objects") {
            return {409, "storage.objects has keys that the API never sees: write it into the file"};
        }
        if (key.name == "storage.catalogue") {
            return {409, "storage.catalogue has a password that the API never sees: write it into the file"};
        }
        if (auto refused = refuse_fixed(now, key.name)) {
            return *refused;
        }
    }
    state.overlay = merge_patch(std::move(state.overlay), patch);
    drop_empty(state.overlay);
    return {};
}

Task<web::Response> patch(ApiMeans means, web::Request request, Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    auto body = json_body(request);
    if (auto* const refused = std::get_if<web::Response>(&body)) {
        co_return std::move(*refused);
    }
    if (std::get<YamlNode>(body).kind != YamlNode::Kind::map) {
        co_return web::Response::problem(422, "a patch is an object with the keys to change");
    }
    auto refused = co_await make_change(
        means.steward, executor,
        [patch = std::move(std::get<YamlNode>(body))](State& state, const Standing& now) {
            return patch_overlay(state, now, patch);
        });
    if (refused) {
        co_return std::move(*refused);
    }
    const Result<StandingRef> standing = co_await standing_of(means.steward, executor);
    co_return standing ? json_answer(200, document(**standing, means)) : web::Response{.status = 204};
}

Task<web::Response> reload(ApiMeans means, web::Request request, Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    auto refused = co_await make_change(means.steward, executor, nullptr);
    co_return refused ? std::move(*refused) : web::Response{.status = 204};
}

}   // namespace

std::vector<web::Route> config_routes(ApiMeans means) {
    std::vector<web::Route> routes;
    routes.push_back({.methods = {"GET", "PATCH"},
                      .matches = exactly(config_path),
                      .answer = [means](const web::Request& request, Executor& executor) {
                          return request.method == "PATCH" ? patch(means, request, executor)
                                                           : show(means, request, executor);
                      }});
    routes.push_back({.methods = {"POST"},
                      .matches = exactly(reload_path),
                      .answer = [means](const web::Request& request, Executor& executor) {
                          return reload(means, request, executor);
                      }});
    return routes;
}

}   // namespace millrace::control
