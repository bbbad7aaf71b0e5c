#include "control/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

namespace millrace::control {

namespace {

/// Builds nodes from the parser's events, so that depth is bounded while it reads.
class Builder final : public YAML::EventHandler {
public:
    explicit Builder(std::string_view source) : source_{source} {}

    YamlNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) {
            refuse(mark, "a second document: a configuration is one");
        }
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(mark, "?", anchor, {.kind = YamlNode::Kind::null});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        refuse(mark, "aliases (*name) are not used here");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        const bool quoted = tag == "!";   // yaml-cpp's sign for a scalar in quotes
        add(mark, quoted ? "?" : tag, anchor,
            {.kind = YamlNode::Kind::scalar, .text = value, .quoted = quoted});
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(mark, tag, anchor, {.kind = YamlNode::Kind::list});
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(mark, tag, anchor, {.kind = YamlNode::Kind::map});
    }
    void OnMapEnd() override { close(); }

private:
    /// A list or map that is not closed yet; in a map, the key whose value comes next.
    struct Level {
        YamlNode node;
        std::optional<YamlNode> key;
    };

    [[noreturn]] void refuse(const YAML::Mark& mark, std::string_view what) const {
        throw ConfigurationError(fmt::format("{}:{}:{}: {}", source_, mark.line + 1, mark.column + 1, what));
    }

    void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
        if (anchor != YAML::NullAnchor) {
            refuse(mark, "anchors (&name) are not used here");
        }
        if (!tag.empty() && tag != "?") {
            refuse(mark, "tags (!name) are not used here");
        }
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode node) {
        check(mark, tag, anchor);
        if (levels_.size() >= yaml_depth_max) {
            refuse(mark, "nested too deeply");
        }
        if (in_key()) {
            refuse(mark, "a key is plain text, or a bracket is not closed");
        }
        place(node, mark);
        levels_.push_back({std::move(node), std::nullopt});
    }

    void close() {
        YamlNode node = std::move(levels_.back().node);
        levels_.pop_back();
        put(std::move(node));
    }

    void add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode node) {
        check(mark, tag, anchor);
        place(node, mark);
        if (in_key()) {
            take_key(mark, std::move(node));
        } else {
            put(std::move(node));
        }
    }

    bool in_key() const {
        return !levels_.empty() && levels_.back().node.kind == YamlNode::Kind::map && !levels_.back().key;
    }

    void take_key(const YAML::Mark& mark, YamlNode key) {
        auto& [map, pending] = levels_.back();
        if (key.kind != YamlNode::Kind::scalar) {
            refuse(mark, "a key is plain text, or a bracket is not closed");
        }
        if (std::ranges::find(map.items, key.text, &YamlNode::key) != map.items.end()) {
            refuse(mark, fmt::format("{}: this key stands here a second time", key.text));
        }
        pending = std::move(key);
    }

    void put(YamlNode node) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        auto& [parent, key] = levels_.back();
        if (key) {
            node.key = std::move(key->text);
            node.line = key->line;
            node.column = key->column;
            key.reset();
        }
        parent.items.push_back(std::move(node));
    }

    static void place(YamlNode& node, const YAML::Mark& mark) {
        node.line = mark.line + 1;
        node.column = mark.column + 1;
    }

    std::string source_;
    std::vector<Level> levels_;
    YamlNode root_;
    int documents_ = 0;
};

/// `listen: [::]:8080` is the commonest slip: to YAML it is a list.
bool looks_like_a_bare_ipv6_address(std::string_view text, int line) {
    for (; line > 0 && !text.empty(); --line) {
        text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
    }
    return text.substr(0, text.find('\n')).find("]:") != std::string_view::npos;
}

}   // namespace

YamlNode parse_yaml(std::string_view text, std::string_view source) {
    if (text.size() > yaml_size_max) {
        throw ConfigurationError(fmt::format("{}: larger than 1 MiB", source));
    }
    Builder builder{source};
    try {
        std::istringstream stream{std::string{text}};
        YAML::Parser parser{stream};
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::Exception& error) {
        throw ConfigurationError(fmt::format("{}:{}:{}: not YAML: {}{}", source, error.mark.line + 1,
                                             error.mark.column + 1, error.msg,
                                             looks_like_a_bare_ipv6_address(text, error.mark.line)
                                                 ? " (an address with brackets needs quotes: \"[::]:8080\")"
                                                 : ""));
    }
    return builder.take();
}

}   // namespace millrace::control
