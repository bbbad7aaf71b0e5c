#include "control/enrolment.hpp"

#include "base/date_time.hpp"
#include "base/hex.hpp"
#include "control/api_changes.hpp"
#include "control/configuration_auth.hpp"
#include "control/json.hpp"
#include "hub/name.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view users_key = "auth.users";

std::string text_of(const YamlNode& entry, std::string_view key) {
    const YamlNode* const value = find(entry, key);
    return value != nullptr && value->kind == YamlNode::Kind::scalar ? value->text : std::string{};
}

std::optional<Enrolment> read_entry(const YamlNode& entry) {
    auto key = hex_bytes(text_of(entry, "key"));
    const auto expires = parse_date_time(text_of(entry, "expires"));
    if (entry.kind != YamlNode::Kind::map || !key || key->size() != Enrolment::key_size || !expires ||
        !is_user_name(text_of(entry, "name"))) {
        return std::nullopt;
    }
    return Enrolment{.name = text_of(entry, "name"),
                     .stream = text_of(entry, "stream"),
                     .key = std::move(*key),
                     .expires = *expires,
                     .used = parse_date_time(text_of(entry, "used")),
                     .from = text_of(entry, "from")};
}

YamlNode entry_of(const Enrolment& one) {
    YamlNode entry = map_node();
    put(entry, "name", text_node(one.name));
    put(entry, "stream", text_node(one.stream));
    put(entry, "key", text_node(hex_text(one.key)));
    put(entry, "expires", text_node(date_time_text(one.expires)));
    if (one.used) {
        put(entry, "used", text_node(date_time_text(*one.used)));
        put(entry, "from", text_node(one.from));
    }
    return entry;
}

std::optional<Outcome> refuse_taken(const Standing& now, const std::string& name) {
    const auto& users = now.configuration.users;
    if (std::ranges::find(users, name, &User::name) == users.end()) {
        return std::nullopt;
    }
    return Outcome{409, fmt::format("there is a user {} already; a box that comes again needs another name, "
                                    "or take that user away",
                                    name)};
}

}   // namespace

std::vector<Enrolment> enrolments_of(const State& state) {
    std::vector<Enrolment> all;
    for (const YamlNode& entry : state.enrolments.items) {
        if (std::optional<Enrolment> one = read_entry(entry)) {
            all.push_back(std::move(*one));
        }
    }
    return all;
}

Outcome add_enrolment(State& state, const Standing& now, const Enrolment& added) {
    if (!is_user_name(added.name) || added.name == "anyone") {
        return {422, "name: a box is called by 1 to 64 letters, digits and _ . @ ~ -"};
    }
    const Result<hub::StreamName> stream = hub::StreamName::parse(added.stream);
    if (!stream) {
        return {422, "stream: wanted is the stream that the box publishes, such as live/gate"};
    }
    if (auto refused = refuse_fixed(now, users_key)) {
        return *refused;
    }
    if (auto refused = refuse_taken(now, added.name)) {
        return *refused;
    }
    std::vector<YamlNode>& items = state.enrolments.items;
    std::erase_if(items, [&](const YamlNode& entry) { return text_of(entry, "name") == added.name; });
    if (items.size() >= Enrolment::kept_max) {
        return {507, fmt::format("{} enrolments are kept: take some away (DELETE /api/v1/enrolments/NAME)",
                                 Enrolment::kept_max)};
    }
    items.push_back(entry_of(added));
    return {201, {}};
}

Outcome drop_enrolment(State& state, std::string_view name) {
    const auto gone = std::erase_if(state.enrolments.items,
                                    [&](const YamlNode& entry) { return text_of(entry, "name") == name; });
    return gone > 0 ? Outcome{} : Outcome{404, "no enrolment of this name"};
}

Outcome use_enrolment(State& state, const Standing& now, const hub::EnrolmentWish& wish, WallTime at) {
    YamlNode* const entry = find_named(state.enrolments, wish.name);
    std::optional<Enrolment> one = entry == nullptr ? std::nullopt : read_entry(*entry);
    if (!one) {
        return {404, "this token is not good any more: ask for another one"};
    }
    if (one->used) {
        return {409,
                fmt::format("this token was used already, at {} from {}; if that was somebody else, take "
                            "the user {} away and make another token",
                            date_time_text(*one->used), one->from, one->name)};
    }
    if (at >= one->expires) {
        return {410, fmt::format("this token was good until {}: ask for another one",
                                 date_time_text(one->expires))};
    }
    if (auto refused = refuse_fixed(now, users_key)) {
        return *refused;
    }
    if (auto refused = refuse_taken(now, one->name)) {
        return *refused;
    }
    YamlNode user = map_node();
    put(user, "name", text_node(one->name));
    put(user, "key", text_node(hex_text(wish.key)));
    YamlNode& allow = put(user, "allow", list_node());
    allow.items.push_back(text_node("publish:" + one->stream));
    overlay_place(state, users_key, YamlNode::Kind::list).items.push_back(std::move(user));
    one->used = at;
    one->from = wish.from;
    *entry = entry_of(*one);
    return {};
}

std::map<std::string, std::vector<std::byte>, std::less<>> link_keys_of(const Standing& standing) {
    std::map<std::string, std::vector<std::byte>, std::less<>> keys;
    for (const User& user : standing.configuration.users) {
        if (!user.key.empty()) {
            keys[user.name] = user.key;
        }
    }
    for (Enrolment& one : enrolments_of(standing.state)) {
        keys[std::string{hub::enrolment_prefix} + one.name] = std::move(one.key);
    }
    return keys;
}

}   // namespace millrace::control
