#include "base/away.hpp"
#include "base/hex.hpp"
#include "control/api_changes.hpp"
#include "control/configuration_auth.hpp"
#include "control/configuration_values.hpp"
#include "control/digest.hpp"
#include "control/password.hpp"

#include <algorithm>

// Users and tokens by the API: each stands in the overlay under its name, beside what the file has.

namespace millrace::control {

namespace {

constexpr std::string_view users_path = "/api/v1/users";
constexpr std::string_view tokens_path = "/api/v1/tokens";
constexpr std::size_t password_size_min = 8;
constexpr std::size_t token_size = 32;   // of 32 kinds of characters: 160 bits

/// What differs between the two lists.
struct Roll {
    std::string_view path;
    std::string_view key;
    std::string_view one;
};
constexpr Roll users{users_path, "auth.users", "user"};
constexpr Roll tokens{tokens_path, "auth.tokens", "token"};

template <class T>
YamlNode with_origin(YamlNode value, const T& item) {
    put(value, "origin", text_node(name(item.origin)));
    return value;
}

/// All of a roll, as the API shows it.
YamlNode shown(const Roll& roll, const Configuration& configuration) {
    YamlNode list = list_node();
    if (roll.key == users.key) {
        for (const User& user : configuration.users) {
            list.items.push_back(with_origin(user_value(user), user));
        }
    } else {
        for (const Token& token : configuration.tokens) {
            list.items.push_back(with_origin(token_value(token), token));
        }
    }
    return list;
}

/// How the overlay would write somebody who may stand elsewhere; null if there is nobody of that name.
YamlNode written(const Roll& roll, const Standing& now, const std::string& name) {
    if (roll.key != users.key) {
        return {};
    }
    const auto found = std::ranges::find(now.configuration.users, name, &User::name);
    if (found == now.configuration.users.end()) {
        return {};
    }
    YamlNode value = user_value(*found);
    if (YamlNode* const password = find(value, "password")) {
        password->text = found->password;
    }
    if (found->digest) {
        put(value, "digest", digest_value(found->digest));
    }
    if (!found->key.empty()) {
        put(value, "key", text_node(hex_text(found->key)));
    }
    return value;
}

Outcome put_entry(const Roll& roll, State& state, const Standing& now, YamlNode entry) {
    if (auto refused = refuse_fixed(now, roll.key)) {
        return *refused;
    }
    const std::string name = find(entry, "name")->text;
    const YamlNode old = written(roll, now, name);
    if (const YamlNode* const password = find(old, "password");
        password != nullptr && !find(entry, "password")) {
        put(entry, "password", *password);
        // With another password it would be of the old one.
        if (const YamlNode* const digest = find(old, "digest"); digest != nullptr && !find(entry, "digest")) {
            put(entry, "digest", *digest);
        }
    }
    if (const YamlNode* const key = find(old, "key"); key != nullptr && !find(entry, "key")) {
        put(entry, "key", *key);
    }
    YamlNode& list = overlay_place(state, roll.key, YamlNode::Kind::list);
    if (YamlNode* const its = find_named(list, name)) {
        *its = std::move(entry);
    } else {
        list.items.push_back(std::move(entry));
    }
    return {};
}

Outcome delete_entry(const Roll& roll, State& state, const Standing& now, const std::string& name) {
    if (auto refused = refuse_fixed(now, roll.key)) {
        return *refused;
    }
    if (overlay_value(state, roll.key) != nullptr) {
        YamlNode& list = overlay_place(state, roll.key, YamlNode::Kind::list);
        if (const YamlNode* const its = find_named(list, name)) {
            list.items.erase(list.items.begin() + (its - list.items.data()));
            drop_empty(state.overlay);
            return {};
        }
    }
    const YamlNode all = shown(roll, now.configuration);
    const auto found = std::ranges::find_if(
        all.items, [&](const YamlNode& entry) { return find(entry, "name")->text == name; });
    if (found == all.items.end()) {
        return {404, fmt::format("no {} of this name", roll.one)};
    }
    if (find(*found, "origin")->text == control::name(Origin::first_start)) {
        state.first_admin.clear();
        return {};
    }
    return {409, fmt::format("it stands in {}; take it out there", now.file_name)};
}

Task<web::Response> list(ApiMeans means, Roll roll, web::Request request, Executor& executor) {
    auto looked = co_await admit_and_look(means, request, executor);
    if (auto* const refused = std::get_if<web::Response>(&looked)) {
        co_return std::move(*refused);
    }
    co_return json_list(shown(roll, std::get<StandingRef>(looked)->configuration));
}

Task<web::Response> show(ApiMeans means, Roll roll, web::Request request, Executor& executor) {
    auto looked = co_await admit_and_look(means, request, executor);
    if (auto* const refused = std::get_if<web::Response>(&looked)) {
        co_return std::move(*refused);
    }
    YamlNode all = shown(roll, std::get<StandingRef>(looked)->configuration);
    const YamlNode* const its = find_named(all, behind(request.path, roll.path));
    co_return its != nullptr ? json_answer(200, json_text(*its))
                             : web::Response::problem(404, fmt::format("no {} of this name", roll.one));
}

/// Turns a password in the clear, and `digest: true`, into what is kept of it. An answer says why not.
Task<std::optional<web::Response>> hash_password(ApiMeans means, YamlNode& entry, Executor& executor) {
    YamlNode* const password = find(entry, "password");
    if (password == nullptr || password->kind != YamlNode::Kind::scalar ||
        password->text.starts_with("$argon2id$")) {
        co_return std::nullopt;   // what is no text is refused with the whole
    }
    const std::size_t size = password->text.size();
    if (size < password_size_min || size > PasswordHash::password_size_max) {
        co_return web::Response::problem(422, "a password has 8 to 1024 bytes");
    }
    if (YamlNode* const digest = find(entry, "digest"); digest != nullptr && digest->text == "true") {
        *digest = digest_value(digest_secrets_of(find(entry, "name")->text, password->text));
        digest->key = "digest";
    }
    Result<std::string> line =
        co_await away(means.hashing, executor, [text = password->text, &random = means.random] {
            const Result<PasswordHash> hash = PasswordHash::of(text, random);
            return hash ? hash->text() : std::string{};
        });
    if (!line || line->empty()) {
        co_return web::Response::problem(503, "too many passwords are being checked; try again in a moment");
    }
    password->text = std::move(*line);
    password->quoted = true;
    co_return std::nullopt;
}

/// The body as an entry of the overlay, with its name; or why not.
std::variant<YamlNode, web::Response> entry_of(const web::Request& request, const Roll& roll) {
    auto body = json_body(request);
    if (std::holds_alternative<web::Response>(body)) {
        return body;
    }
    const std::string_view name = behind(request.path, roll.path);
    if (!is_user_name(name)) {
        return web::Response::problem(400, "a name has 1 to 64 letters, digits and _ . @ ~ -");
    }
    YamlNode& entry = std::get<YamlNode>(body);
    if (entry.kind != YamlNode::Kind::map) {
        return web::Response::problem(422, "the body is an object such as {\"allow\": [\"play:*\"]}");
    }
    if (const YamlNode* const said = find(entry, "name"); said != nullptr && said->text != name) {
        return web::Response::problem(422, "the body's name is not the address' name");
    }
    std::erase_if(entry.items, [](const YamlNode& item) { return item.key == "origin"; });
    put(entry, "name", text_node(name));
    return body;
}

Task<web::Response> replace(ApiMeans means, Roll roll, web::Request request, Executor& executor) {
    auto looked = co_await admit_and_look(means, request, executor);
    if (auto* const refused = std::get_if<web::Response>(&looked)) {
        co_return std::move(*refused);
    }
    auto body = entry_of(request, roll);
    if (auto* const refused = std::get_if<web::Response>(&body)) {
        co_return std::move(*refused);
    }
    YamlNode entry = std::move(std::get<YamlNode>(body));
    std::string token;
    if (roll.key == users.key) {
        auto refused = co_await hash_password(means, entry, executor);
        if (refused) {
            co_return std::move(*refused);
        }
    } else if (find(entry, "sha256") == nullptr) {
        token = random_password(means.random, token_size);
        put(entry, "sha256", text_node(hex_text(sha256(token))));
    }
    YamlNode all = shown(roll, std::get<StandingRef>(looked)->configuration);
    const std::string name = find(entry, "name")->text;
    const int status = find_named(all, name) == nullptr ? 201 : 200;
    auto refused = co_await make_change(
        means.steward, executor,
        [roll, entry](State& state, const Standing& now) { return put_entry(roll, state, now, entry); });
    if (refused) {
        co_return std::move(*refused);
    }
    for (const std::string_view secret : {"password", "digest", "key", "sha256"}) {
        std::erase_if(entry.items, [&](const YamlNode& item) { return item.key == secret; });
    }
    if (!token.empty()) {
        put(entry, "token", text_node(token));   // now, and never again
    }
    co_return json_answer(status, json_text(entry));
}

Task<web::Response> take_away(ApiMeans means, Roll roll, web::Request request, Executor& executor) {
    const Result<hub::Admitted> admitted = co_await admit_admin(means.admission, request, executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    auto refused = co_await make_change(
        means.steward, executor,
        [roll, name = std::string{behind(request.path, roll.path)}](State& state, const Standing& now) {
            return delete_entry(roll, state, now, name);
        });
    co_return refused ? std::move(*refused) : web::Response{.status = 204};
}

void add_roll(std::vector<web::Route>& routes, ApiMeans means, const Roll& roll) {
    routes.push_back({.methods = {"GET"},
                      .matches = exactly(roll.path),
                      .answer = [means, roll](const web::Request& request, Executor& executor) {
                          return list(means, roll, request, executor);
                      }});
    routes.push_back({.methods = {"GET", "PUT", "DELETE"},
                      .matches = below(roll.path),
                      .answer = [means, roll](const web::Request& request, Executor& executor) {
                          if (request.method == "PUT") {
                              return replace(means, roll, request, executor);
                          }
                          return request.method == "DELETE" ? take_away(means, roll, request, executor)
                                                            : show(means, roll, request, executor);
                      }});
}

}   // namespace

std::vector<web::Route> access_routes(ApiMeans means) {
    std::vector<web::Route> routes;
    add_roll(routes, means, users);
    add_roll(routes, means, tokens);
    return routes;
}

}   // namespace millrace::control
