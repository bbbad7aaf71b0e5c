#include "control/standing.hpp"

#include "control/json.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

/// A dotted key's first part; takes it off.
std::string_view take_part(std::string_view& key) {
    const std::string_view part = key.substr(0, key.find('.'));
    key.remove_prefix(std::min(part.size() + 1, key.size()));
    return part;
}

bool is_written(const YamlNode& node) {
    const bool holder = node.kind == YamlNode::Kind::map || node.kind == YamlNode::Kind::list;
    return !holder || !node.items.empty();
}

}   // namespace

Standing stand(ConfigurationSources sources, State state) {
    sources.overlay = state.overlay;
    Standing standing{load_configuration(sources), std::move(state), sources.file_name};
    Configuration& c = standing.configuration;
    const bool taken = std::ranges::find(c.users, first_admin_name, &User::name) != c.users.end();
    if (c.has_auth() || taken || standing.state.first_admin.empty()) {
        return standing;
    }
    User admin{.name = std::string{first_admin_name},
               .password = standing.state.first_admin,
               .allow = {},
               .origin = {}};
    admin.origin = Origin::first_start;
    for (const auto action :
         {hub::Action::publish, hub::Action::play, hub::Action::archive, hub::Action::admin}) {
        admin.allow.push_back({action, *NamePattern::parse("*")});
    }
    c.users.insert(c.users.begin(), std::move(admin));
    return standing;
}

bool has_admin(const Configuration& configuration) {
    const auto administers = [](const auto& one) {
        return std::ranges::find(one.allow, hub::Action::admin, &Grant::action) != one.allow.end();
    };
    return std::ranges::any_of(configuration.users, administers) ||
           std::ranges::any_of(configuration.tokens, administers);
}

bool needs_admin(const Configuration& configuration) {
    return !configuration.open && !configuration.has_auth() && !has_admin(configuration);
}

std::optional<std::string> fixed_by(const Configuration& configuration, std::string_view key) {
    const auto origin = configuration.origins.find(key);
    if (origin == configuration.origins.end() || origin->second < Origin::environment) {
        return std::nullopt;
    }
    if (origin->second == Origin::environment) {
        return "the environment variable " + environment_variable(key);
    }
    return key == "open" ? std::string{"the option --open or --set open"}
                         : fmt::format("the option --set {}", key);
}

const YamlNode* overlay_value(const State& state, std::string_view key) {
    const YamlNode* node = &state.overlay;
    while (node != nullptr && !key.empty()) {
        node = find(*node, take_part(key));
    }
    return node;
}

YamlNode& overlay_place(State& state, std::string_view key, YamlNode::Kind kind) {
    YamlNode* node = &state.overlay;
    while (!key.empty()) {
        const std::string_view part = take_part(key);
        const YamlNode::Kind wanted = key.empty() ? kind : YamlNode::Kind::map;
        YamlNode* const next = find(*node, part);
        node = next != nullptr && next->kind == wanted ? next : &put(*node, part, YamlNode{.kind = wanted});
    }
    return *node;
}

void drop_empty(YamlNode& overlay) {
    for (YamlNode& section : overlay.items) {
        // An entry of streams may be empty and mean something; sections of keys may not.
        if (section.kind == YamlNode::Kind::map && section.key != "streams") {
            drop_empty(section);
        }
    }
    std::erase_if(overlay.items, [](const YamlNode& node) { return !is_written(node); });
}

}   // namespace millrace::control
