#include "control/configuration.hpp"

#include "base/outgoing.hpp"
#include "base/url.hpp"
#include "control/setting.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>

namespace millrace::control {

namespace {

constexpr std::string_view variable_prefix = "MILLRACE_";
constexpr std::size_t shown_max = 64;

/// Levenshtein's distance: how many single characters differ.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row.back();
}

/// "; did you mean http.listen?", or nothing when no key is near.
std::string suggestion(std::string_view unknown) {
    std::size_t nearest = 4;
    std::string_view best;
    const std::string_view shown = unknown.substr(0, shown_max);
    const auto offer = [&](std::string_view name) {
        if (const std::size_t far = distance(shown, name); far < nearest) {
            nearest = far;
            best = name;
        }
    };
    for (const auto& key : configuration_keys()) {
        offer(key.name);
        offer(key.name.substr(0, key.name.find('.')));
    }
    return best.empty() ? std::string{} : fmt::format("; did you mean {}?", best);
}

const ConfigurationKey* find_key(std::string_view name) {
    const auto keys = configuration_keys();
    const auto found = std::ranges::find(keys, name, &ConfigurationKey::name);
    return found == keys.end() ? nullptr : &*found;
}

bool is_section(const std::string& name) {
    return std::ranges::any_of(configuration_keys(), [prefix = name + "."](const ConfigurationKey& key) {
        return key.name.starts_with(prefix);
    });
}

/// Puts settings into a configuration and remembers where each came from.
class Loader {
public:
    void read_file(const ConfigurationSources& sources) {
        const YamlNode root = parse_yaml(sources.file_text, sources.file_name);
        origin_ = Origin::file;
        if (root.kind != YamlNode::Kind::null) {
            read_section(root, "", sources.file_name);
        }
    }

    void read_overlay(const YamlNode& overlay) {
        origin_ = Origin::overlay;
        if (overlay.kind != YamlNode::Kind::null) {
            read_section(overlay, "", overlay_name);
        }
    }

    void read_variable(std::string_view name, std::string_view value) {
        origin_ = Origin::environment;
        for (const auto& key : configuration_keys()) {
            if (environment_variable(key.name) == name) {
                read_text(key, value, fmt::format("environment variable {}", name));
                return;
            }
        }
        log::warning("control", "the environment variable {} is not a setting", log::escaped(name));
    }

    void read_option(std::string_view option) {
        origin_ = Origin::option;
        const std::size_t equals = option.find('=');
        const std::string_view name = option.substr(0, equals);
        const std::string shown = log::escaped(name, shown_max);
        if (equals == std::string_view::npos) {
            throw ConfigurationError(fmt::format("--set {}: wanted is KEY=VALUE", shown));
        }
        const ConfigurationKey* const key = find_key(name);
        if (key == nullptr) {
            throw ConfigurationError(fmt::format("--set: {}: unknown key{}", shown, suggestion(name)));
        }
        read_text(*key, option.substr(equals + 1), "--set");
    }

    Configuration finish(bool open);

private:
    void read_section(const YamlNode& section, const std::string& prefix, std::string_view source) {
        if (section.kind != YamlNode::Kind::map) {
            Setting{section, prefix.empty() ? "the file" : prefix, source}.refuse_value("a map of keys");
        }
        for (const auto& node : section.items) {
            read_entry(node, prefix.empty() ? node.key : prefix + "." + node.key, source);
        }
    }

    void read_entry(const YamlNode& node, const std::string& name, std::string_view source) {
        const Setting setting{node, log::escaped(name, 2 * shown_max), source};
        const bool dotted = node.key.find('.') != std::string::npos;
        if (const ConfigurationKey* const key = find_key(name); key != nullptr && !dotted) {
            set(*key, setting);
        } else if (is_section(name) && !dotted) {
            if (node.kind != YamlNode::Kind::null) {
                read_section(node, name, source);
            }
        } else if (dotted && key != nullptr) {
            setting.refuse("write one map inside the other, as in 'http: { listen: off }'");
        } else {
            setting.refuse("unknown key" + suggestion(name));
        }
    }

    void read_text(const ConfigurationKey& key, std::string_view text, const std::string& source) {
        YamlNode node{.kind = YamlNode::Kind::scalar, .text = std::string{text}};
        // A plain value is taken as it stands: to YAML, [::]:8080 would be a broken list.
        if (key.structured || text.starts_with('"') || text.starts_with('\'')) {
            node = parse_yaml(text, source);
        }
        set(key, {node, std::string{key.name}, source});
    }

    void set(const ConfigurationKey& key, const Setting& setting) {
        Configuration& c = configuration_;
        auto streams = std::exchange(c.streams, {});
        auto users = std::exchange(c.users, {});
        auto tokens = std::exchange(c.tokens, {});
        key.set(c, setting);
        // What the API added stands beside what the file has; any other source replaces a list whole.
        merge(c.streams, streams, key.name != "streams",
              [](const StreamRule& a) { return a.pattern.text(); });
        merge(c.users, users, key.name != "auth.users", &User::name);
        merge(c.tokens, tokens, key.name != "auth.tokens", &Token::name);
        if (key.beside && origin_ == Origin::overlay) {
            c.origins.try_emplace(key.name, origin_);
        } else {
            c.origins[key.name] = origin_;
        }
        places_[key.name] = place_of(setting.node(), setting.source());
    }

    /// `now` is what the current setting made of a list, `before` what it was.
    template <class T, class Name>
    void merge(std::vector<T>& now, std::vector<T>& before, bool untouched, Name name) const {
        if (untouched) {
            now = std::move(before);
            return;
        }
        for (T& item : now) {
            item.origin = origin_;
        }
        if (origin_ == Origin::overlay) {
            std::erase_if(before, [&](const T& old) {
                return std::ranges::find(now, std::invoke(name, old), name) != now.end();
            });
            now.insert(now.begin(), std::make_move_iterator(before.begin()),
                       std::make_move_iterator(before.end()));
        }
    }

    void refuse_same_tokens() const;
    void refuse_closed_addresses() const;
    [[noreturn]] void refuse(std::string_view key, std::string_view what) const {
        throw ConfigurationError(fmt::format("{}: {}: {}", places_.at(key), key, what));
    }

    Configuration configuration_;
    Origin origin_ = Origin::file;
    std::map<std::string_view, std::string> places_;   // of what was set, by key
};

/// A token of the API's may be the same as one of the file's under another name.
void Loader::refuse_same_tokens() const {
    std::vector<Token::Hash> hashes;
    for (const auto& token : configuration_.tokens) {
        hashes.push_back(token.sha256);
    }
    std::ranges::sort(hashes);
    if (std::ranges::adjacent_find(hashes) != hashes.end()) {
        refuse("auth.tokens", "two tokens are the same text under two names");
    }
}

/// Case 82. What a name stands for shows when it is connected to; a numeric address shows now.
void Loader::refuse_closed_addresses() const {
    const OutgoingRules rules{configuration_.outgoing_allow};
    const auto refuse_closed = [&](const StreamRule& rule, std::string_view written, std::string_view what) {
        const auto url = parse_url(written);
        const auto address = url ? PeerAddress::parse(url->endpoint()) : std::nullopt;
        if (address && !rules.allow(*address)) {
            refuse("streams", fmt::format("{}: this node {} {} unless outgoing.allow lists it",
                                          rule.pattern.text(), what, url->host));
        }
    };
    for (const auto& rule : configuration_.streams) {
        std::vector<std::string> sources = rule.other_sources;
        sources.push_back(rule.source);
        for (const std::string& source : sources) {
            if (!source.starts_with("udp://")) {   // it listens there
                refuse_closed(rule, source, "pulls nothing from");
            }
        }
        for (const std::string& to : rule.forward) {
            refuse_closed(rule, to, "pushes nothing to");
        }
        if (!rule.uplink.empty()) {
            refuse_closed(rule, rule.uplink, "pushes nothing to");
        }
    }
}

Configuration Loader::finish(bool open) {
    Configuration& c = configuration_;
    if (open) {
        c.open = true;
        c.origins["open"] = Origin::option;
    }
    refuse_same_tokens();
    refuse_closed_addresses();
    if (!c.tls_certificate.empty() && c.tls_key.empty()) {
        refuse("tls.certificate", "needs tls.key beside it");
    }
    if (c.tls_certificate.empty() && !c.tls_key.empty()) {
        refuse("tls.key", "needs tls.certificate beside it");
    }
    const auto settle = [&](ListenAddress& listener, std::string_view key) {
        if (!listener.written) {
            listener.on = c.has_tls();
        } else if (listener.on && !c.has_tls()) {
            refuse(key, "an address with TLS needs tls.certificate and tls.key; else write off");
        }
    };
    settle(c.https, "https.listen");
    settle(c.rtmps, "rtmps.listen");
    settle(c.rtsps, "rtsps.listen");
    return std::move(c);
}

}   // namespace

std::string environment_variable(std::string_view key) {
    std::string variable{variable_prefix};
    for (const char c : key) {
        variable += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    }
    return variable;
}

std::string_view name(Origin origin) {
    switch (origin) {
        case Origin::standard: return "default";
        case Origin::first_start: return "first start";
        case Origin::file: return "file";
        case Origin::overlay: return "overlay";
        case Origin::environment: return "environment";
        case Origin::option: return "option";
    }
    return "default";
}

std::string read_configuration_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text(yaml_size_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad()) {
        throw ConfigurationError(fmt::format("{}: cannot be read", path));
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

Configuration load_configuration(const ConfigurationSources& sources) {
    Loader loader;
    loader.read_file(sources);
    loader.read_overlay(sources.overlay);
    for (const std::string_view entry : sources.environment) {
        if (const std::size_t equals = entry.find('=');
            entry.starts_with(variable_prefix) && equals != std::string_view::npos) {
            loader.read_variable(entry.substr(0, equals), entry.substr(equals + 1));
        }
    }
    for (const auto& option : sources.sets) {
        loader.read_option(option);
    }
    return loader.finish(sources.open);
}

}   // namespace millrace::control
