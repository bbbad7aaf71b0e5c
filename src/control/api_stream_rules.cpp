#include "base/masked_destination.hpp"
#include "base/secret.hpp"
#include "control/api_changes.hpp"
#include "control/configuration_values.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view streams_path = "/api/v1/streams";
constexpr std::string_view recordings_path = "/api/v1/recordings";
constexpr std::string_view key = "streams";

/// Each as it was shown means one there is; those that look alike mean them in their order.
void keep_secrets(std::vector<std::string> there, std::string (*shown)(std::string_view), YamlNode& written) {
    const auto mean = [&](YamlNode& one) {
        const auto old =
            std::ranges::find(there, one.text, [shown](const std::string& text) { return shown(text); });
        if (old != there.end()) {
            one.text = std::move(*old);
            there.erase(old);
        }
    };
    if (written.kind == YamlNode::Kind::scalar) {
        mean(written);
    }
    std::ranges::for_each(written.items, mean);
}

/// Whoever sends back a source as it was shown, with its secret masked, means the one there is; likewise
/// destinations.
void keep_secret(const Standing& now, const std::string& stream, YamlNode& rule) {
    const auto& rules = now.configuration.streams;
    const auto old =
        std::ranges::find(rules, stream, [](const StreamRule& one) { return one.pattern.text(); });
    if (old == rules.end()) {
        return;
    }
    if (YamlNode* const source = find(rule, "source")) {
        std::vector<std::string> there{old->source};
        there.insert(there.end(), old->other_sources.begin(), old->other_sources.end());
        keep_secrets(std::move(there), masked, *source);
    }
    if (YamlNode* const forward = find(rule, "forward")) {
        keep_secrets(old->forward, masked_destination, *forward);
    }
    if (YamlNode* const uplink = find(rule, "uplink")) {
        keep_secrets({old->uplink}, masked_destination, *uplink);
    }
}

Outcome put_rule(State& state, const Standing& now, const std::string& stream, YamlNode rule) {
    if (auto refused = refuse_fixed(now, key)) {
        return *refused;
    }
    keep_secret(now, stream, rule);
    put(overlay_place(state, key, YamlNode::Kind::map), stream, std::move(rule));
    return {};
}

Outcome delete_rule(State& state, const Standing& now, const std::string& stream) {
    if (auto refused = refuse_fixed(now, key)) {
        return *refused;
    }
    if (overlay_value(state, key) != nullptr) {
        YamlNode& rules = overlay_place(state, key, YamlNode::Kind::map);
        if (std::erase_if(rules.items, [&](const YamlNode& rule) { return rule.key == stream; }) > 0) {
            drop_empty(state.overlay);
            return {};
        }
    }
    const bool of_file = std::ranges::any_of(
        now.configuration.streams, [&](const StreamRule& rule) { return rule.pattern.text() == stream; });
    return of_file
               ? Outcome{409, fmt::format("it stands in {}; take it out there", now.file_name)}
               : Outcome{404, "no rule of this stream; a publisher is ended by DELETE /api/v1/sessions/ID"};
}

Task<web::Response> change(ApiMeans means, web::Request request, Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    std::string stream{behind(request.path, streams_path)};
    const Result<NamePattern> pattern = NamePattern::parse(stream);
    if (!pattern) {
        co_return web::Response::problem(400, pattern.error().what);
    }
    if (request.method == "DELETE") {
        auto refused = co_await make_change(means.steward, executor,
                                            [stream = std::move(stream)](State& state, const Standing& now) {
                                                return delete_rule(state, now, stream);
                                            });
        co_return refused ? std::move(*refused) : web::Response{.status = 204};
    }
    auto body = json_body(request);
    if (auto* const refused = std::get_if<web::Response>(&body)) {
        co_return std::move(*refused);
    }
    YamlNode rule = std::move(std::get<YamlNode>(body));
    // Whoever sends back what was answered need not take the name out.
    std::erase_if(rule.items, [](const YamlNode& entry) { return entry.key == "name"; });
    if (rule.kind != YamlNode::Kind::map) {
        co_return web::Response::problem(422, "a stream's rule is an object such as {\"source\": \"test:\"}");
    }
    YamlNode shown = masked_rule(rule);
    auto refused = co_await make_change(
        means.steward, executor, [stream, rule = std::move(rule)](State& state, const Standing& now) mutable {
            return put_rule(state, now, stream, std::move(rule));
        });
    if (refused) {
        co_return std::move(*refused);
    }
    YamlNode answer = map_node();
    put(answer, "name", text_node(stream));
    std::ranges::move(shown.items, std::back_inserter(answer.items));
    co_return json_answer(200, json_text(answer));
}

/// The stream's own rule, with recording switched on or off.
Outcome switch_recording(State& state, const Standing& now, const std::string& stream, bool on) {
    const auto& rules = now.configuration.streams;
    const auto own =
        std::ranges::find(rules, stream, [](const StreamRule& one) { return one.pattern.text(); });
    StreamRule rule =
        own != rules.end() ? *own : StreamRule{.pattern = *NamePattern::parse(stream), .source = {}};
    rule.record = on;
    return put_rule(state, now, stream, stream_value(rule));
}

/// The command of `{"record": true}` or false.
Task<web::Response> command(ApiMeans means, web::Request request, Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    const Result<hub::StreamName> name = hub::StreamName::parse(behind(request.path, recordings_path));
    if (!name) {
        co_return web::refusal(request, name.error());
    }
    auto body = json_body(request);
    if (auto* const refused = std::get_if<web::Response>(&body)) {
        co_return std::move(*refused);
    }
    const YamlNode* const record = find(std::get<YamlNode>(body), "record");
    const bool told =
        record != nullptr && !record->quoted && (record->text == "true" || record->text == "false");
    if (!told) {
        co_return web::Response::problem(422, "wanted is {\"record\": true} or {\"record\": false}");
    }
    auto refused = co_await make_change(
        means.steward, executor,
        [stream = name->text(), on = record->text == "true"](State& state, const Standing& now) {
            return switch_recording(state, now, stream, on);
        });
    co_return refused ? std::move(*refused) : web::Response{.status = 204};
}

}   // namespace

web::Route record_route(ApiMeans means) {
    return {.methods = {"POST"},
            .matches = below(recordings_path),
            .answer = [means](const web::Request& request, Executor& executor) {
                return command(means, request, executor);
            }};
}

web::Route stream_rule_route(ApiMeans means) {
    return {.methods = {"PUT", "DELETE"},
            .matches = below(streams_path),
            .answer = [means](const web::Request& request, Executor& executor) {
                return change(means, request, executor);
            }};
}

}   // namespace millrace::control
