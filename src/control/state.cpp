#include "control/state.hpp"

#include "base/hex.hpp"
#include "control/json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view format_number = "1";

[[noreturn]] void refuse(std::string_view folder, std::string_view why) {
    throw ConfigurationError(
        fmt::format("{}/{}: {}; put a copy of it back, or move it away: the node then starts with its "
                    "configuration file alone and makes a new administrator if that has none",
                    folder, State::file_name, why));
}

std::string scalar(const YamlNode& root, std::string_view key) {
    const YamlNode* const node = find(root, key);
    return node != nullptr && node->kind == YamlNode::Kind::scalar ? node->text : std::string{};
}

}   // namespace

State State::make(Random& random) {
    State state;
    random.fill(state.cookie_key);
    return state;
}

std::optional<State> load_state(Storage& storage, std::string_view folder) {
    const auto bytes = storage.read(std::string{State::file_name}, State::size_max);
    if (!bytes) {
        refuse(folder, bytes.error().what);
    }
    if (!*bytes) {
        return std::nullopt;
    }
    const Result<YamlNode> root = parse_json(as_text(**bytes));
    if (!root) {
        refuse(folder, fmt::format("it is damaged: {}", root.error().what));
    }
    if (scalar(*root, "format") != format_number) {
        refuse(folder, "it is damaged, or of a later version of Millrace");
    }
    State state;
    const YamlNode* const overlay = find(*root, "overlay");
    const auto key = hex_bytes(scalar(*root, "cookie_key"));
    const bool whole = key && key->size() == state.cookie_key.size() && overlay != nullptr &&
                       overlay->kind == YamlNode::Kind::map;
    if (!whole) {
        refuse(folder, "it is damaged: the cookie key or the overlay is missing");
    }
    std::ranges::copy(*key, state.cookie_key.begin());
    state.first_admin = scalar(*root, "first_admin");
    if (const YamlNode* const enrolments = find(*root, "enrolments")) {
        state.enrolments = *enrolments;
    }
    state.overlay = *overlay;
    return state;
}

std::string state_text(const State& state) {
    YamlNode root = map_node();
    put(root, "format", plain_node(format_number));
    put(root, "cookie_key", text_node(hex_text(state.cookie_key)));
    if (!state.first_admin.empty()) {
        put(root, "first_admin", text_node(state.first_admin));
    }
    if (!state.enrolments.items.empty()) {
        put(root, "enrolments", state.enrolments);
    }
    put(root, "overlay", state.overlay);
    return json_text(root);
}

}   // namespace millrace::control
