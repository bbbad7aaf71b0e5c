#include "control/json.hpp"

#include "base/web.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <unordered_set>

namespace millrace::control {

namespace {

using Json = nlohmann::json;

/// Builds nodes from the parser's events, so that depth is bounded while it reads.
class Builder {
public:
    Result<YamlNode> take() {
        if (error_) {
            return std::unexpected(*error_);
        }
        return std::move(root_);
    }

    // What nlohmann's parser calls; false ends it.
    bool null() { return put_value({.kind = YamlNode::Kind::null}); }
    bool boolean(bool value) { return put_value(plain_node(value ? "true" : "false")); }
    bool number_integer(Json::number_integer_t value) { return put_value(plain_node(std::to_string(value))); }
    bool number_unsigned(Json::number_unsigned_t value) {
        return put_value(plain_node(std::to_string(value)));
    }
    bool number_float(Json::number_float_t /*value*/, const std::string& written) {
        return put_value(plain_node(written));
    }
    bool string(std::string& value) {
        YamlNode node = text_node({});
        node.text = std::move(value);
        return put_value(std::move(node));
    }
    bool binary(Json::binary_t& /*value*/) { return false; }
    bool start_object(std::size_t /*count*/) { return open(map_node()); }
    bool end_object() { return close(); }
    bool start_array(std::size_t /*count*/) { return open(list_node()); }
    bool end_array() { return close(); }
    bool key(std::string& name) {
        Level& level = levels_.back();
        if (!level.keys.insert(name).second) {
            return refuse({Errc::malformed, "not strict JSON: a key stands twice in one object"});
        }
        level.key = std::move(name);
        return true;
    }
    bool parse_error(std::size_t /*position*/, const std::string& /*last*/, const Json::exception& error) {
        constexpr int number_overflow = 406;   // nlohmann's number for out_of_range
        return refuse(error.id == number_overflow
                          ? Error{Errc::malformed, "not strict JSON: a number does not fit into 64 bits"}
                          : Error{Errc::malformed, "not JSON in UTF-8 (RFC 8259)"});
    }

private:
    struct Level {
        YamlNode node;
        std::string key;
        std::unordered_set<std::string> keys;
    };

    bool refuse(Error error) {
        error_ = error_.value_or(error);
        return false;
    }
    bool open(YamlNode node) {
        if (levels_.size() == json_depth_max) {
            return refuse({Errc::exhausted, "JSON nested more than 32 levels deep"});
        }
        levels_.push_back({std::move(node), {}, {}});
        return true;
    }
    bool close() {
        YamlNode node = std::move(levels_.back().node);
        levels_.pop_back();
        return put_value(std::move(node));
    }
    bool put_value(YamlNode node) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return true;
        }
        Level& level = levels_.back();
        if (level.node.kind == YamlNode::Kind::map) {
            node.key = std::move(level.key);
        }
        level.node.items.push_back(std::move(node));
        return true;
    }

    std::vector<Level> levels_;
    YamlNode root_;
    std::optional<Error> error_;
};

/// Whether a plain scalar may stand in JSON as it is (RFC 8259 §6).
bool is_json_number(std::string_view text) {
    return !text.empty() && text.size() <= 32 && text.find_first_not_of("-+.0123456789eE") == text.npos &&
           Json::accept(text);
}

void write(const YamlNode& node, std::string& text, std::size_t depth) {
    const auto line = [&](std::size_t levels) { text.append("\n").append(2 * levels, ' '); };
    switch (node.kind) {
        case YamlNode::Kind::null: text += "null"; return;
        case YamlNode::Kind::scalar: {
            const bool plain =
                !node.quoted && (node.text == "true" || node.text == "false" || is_json_number(node.text));
            text += plain ? node.text : web::json_quoted(node.text);
            return;
        }
        case YamlNode::Kind::list:
        case YamlNode::Kind::map: break;
    }
    const bool map = node.kind == YamlNode::Kind::map;
    text += map ? '{' : '[';
    bool first = true;
    for (const YamlNode& item : node.items) {
        text += std::exchange(first, false) ? "" : ",";
        line(depth + 1);
        if (map) {
            text.append(web::json_quoted(item.key)).append(": ");
        }
        write(item, text, depth + 1);
    }
    if (!first) {
        line(depth);
    }
    text += map ? '}' : ']';
}

}   // namespace

Result<YamlNode> parse_json(std::string_view text) {
    Builder builder;
    Json::sax_parse(text, &builder);
    return builder.take();
}

std::string json_text(const YamlNode& node) {
    std::string text;
    write(node, text, 0);
    return text + "\n";
}

const YamlNode* find(const YamlNode& map, std::string_view key) {
    const auto found = std::ranges::find(map.items, key, &YamlNode::key);
    return map.kind != YamlNode::Kind::map || found == map.items.end() ? nullptr : &*found;
}

YamlNode* find(YamlNode& map, std::string_view key) {
    return const_cast<YamlNode*>(find(std::as_const(map), key));   // NOLINT: it is not const
}

YamlNode& put(YamlNode& map, std::string_view key, YamlNode value) {
    value.key = key;
    if (YamlNode* const old = find(map, key)) {
        *old = std::move(value);
        return *old;
    }
    map.items.push_back(std::move(value));
    return map.items.back();
}

void put_text(YamlNode& map, std::string_view key, std::string_view text) {
    if (!text.empty()) {
        put(map, key, text_node(std::string{text}));
    }
}

YamlNode text_node(std::string_view text) {
    return {.kind = YamlNode::Kind::scalar, .text = std::string{text}, .quoted = true};
}

YamlNode plain_node(std::string_view text) {
    return {.kind = YamlNode::Kind::scalar, .text = std::string{text}};
}

YamlNode map_node() {
    return {.kind = YamlNode::Kind::map};
}

YamlNode list_node() {
    return {.kind = YamlNode::Kind::list};
}

YamlNode merge_patch(YamlNode target, const YamlNode& patch) {
    if (patch.kind != YamlNode::Kind::map) {
        YamlNode replaced = patch;
        replaced.key = std::move(target.key);
        return replaced;
    }
    if (target.kind != YamlNode::Kind::map) {
        std::string key = std::move(target.key);
        target = map_node();
        target.key = std::move(key);
    }
    for (const YamlNode& entry : patch.items) {
        if (entry.kind == YamlNode::Kind::null) {
            std::erase_if(target.items, [&](const YamlNode& old) { return old.key == entry.key; });
            continue;
        }
        const YamlNode* const old = find(std::as_const(target), entry.key);
        put(target, entry.key, merge_patch(old == nullptr ? YamlNode{} : *old, entry));
    }
    return target;
}

}   // namespace millrace::control
