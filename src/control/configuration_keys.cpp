#include "control/setting.hpp"
#include "hub/name.hpp"

#include <algorithm>
#include <array>

namespace millrace::control {

namespace {

template <class T>
struct Named {
    std::string_view name;
    T value;
};

constexpr std::array levels{
    Named<log::Level>{"debug", log::Level::debug},
    Named<log::Level>{"info", log::Level::info},
    Named<log::Level>{"warning", log::Level::warning},
    Named<log::Level>{"error", log::Level::error},
};

constexpr std::array actions{
    Named<hub::Action>{"publish", hub::Action::publish},
    Named<hub::Action>{"play", hub::Action::play},
    Named<hub::Action>{"archive", hub::Action::archive},
    Named<hub::Action>{"admin", hub::Action::admin},
};

log::Level level(const Setting& setting) {
    constexpr std::string_view wanted = "debug, info, warning or error";
    const auto found = std::ranges::find(levels, setting.text(wanted), &Named<log::Level>::name);
    if (found == levels.end()) {
        setting.refuse_value(wanted);
    }
    return found->value;
}

/// RFC 6454 §6.2: scheme://host[:port], nothing behind it.
std::string origin(const Setting& setting) {
    constexpr std::string_view wanted = "an origin such as https://example.org";
    const std::string& written = setting.text(wanted);
    const std::string_view text = written;
    const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
    const std::string_view host = text.substr(scheme);
    const bool plain = std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view{".-:[]"}.find(c) != std::string_view::npos;
    });
    if (scheme == 0 || host.empty() || !plain) {
        setting.refuse_value(wanted);
    }
    return written;
}

std::vector<std::string> origins(const Setting& setting) {
    if (setting.node().kind == YamlNode::Kind::scalar) {
        if (setting.node().text != "*") {
            setting.refuse_value("\"*\" or a list of origins such as [ \"https://example.org\" ]");
        }
        return {"*"};
    }
    std::vector<std::string> texts;
    for (const auto& item : setting.list(Configuration::origins_max)) {
        texts.push_back(origin(item));
    }
    return texts;
}

/// The kinds of source that this node has; what stands behind the colon is the child's to judge.
std::string source(const Setting& setting) {
    constexpr std::string_view wanted = "a source: test: or file:PATH";
    const std::string& written = setting.text(wanted);
    const bool known = written.starts_with("test:") || written.starts_with("file:");
    if (!known || written.size() > StreamRule::source_size_max) {
        setting.refuse_value(wanted);
    }
    return written;
}

/// What a stream's map says of where it comes from.
std::string stream_source(const Setting& stream) {
    std::string found;
    for (const auto& entry : stream.map(1)) {
        if (entry.node().key != "source") {
            entry.refuse("unknown key; a stream has source");
        }
        if (stream.node().key.find('*') != std::string::npos) {
            entry.refuse("a source needs the name of one stream, without '*'");
        }
        found = source(entry);
    }
    return found;
}

std::vector<StreamRule> streams(const Setting& setting) {
    std::vector<StreamRule> rules;
    for (const auto& entry : setting.map(Configuration::streams_max)) {
        auto pattern = NamePattern::parse(entry.node().key);
        if (!pattern) {
            entry.refuse(pattern.error().what);
        }
        rules.push_back({std::move(*pattern), stream_source(entry)});
    }
    return rules;
}

Grant grant(const Setting& setting) {
    constexpr std::string_view wanted =
        "ACTION:NAME with publish, play, archive or admin, such as \"publish:live/*\"";
    const std::string_view text = setting.text(wanted);
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto action = std::ranges::find(actions, text.substr(0, colon), &Named<hub::Action>::name);
    if (action == actions.end() || colon == text.size()) {
        setting.refuse_value(wanted);
    }
    auto pattern = NamePattern::parse(text.substr(colon + 1));
    if (!pattern) {
        setting.refuse(pattern.error().what);
    }
    return {action->value, std::move(*pattern)};
}

std::string user_name(const Setting& setting) {
    constexpr std::size_t size_max = 64;
    constexpr std::string_view wanted = "a user's name: 1 to 64 letters, digits and _ . @ ~ -";
    const std::string& name = setting.text(wanted);
    const bool legal = std::ranges::all_of(name, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view{"_.@~-"}.find(c) != std::string_view::npos;
    });
    if (!legal || name.size() > size_max) {
        setting.refuse_value(wanted);
    }
    return name;
}

std::string password(const Setting& setting) {
    constexpr std::size_t size_max = 512;
    const YamlNode& node = setting.node();
    // The value stays out of the text: it may be a password in the clear.
    if (node.kind != YamlNode::Kind::scalar || !node.text.starts_with("$argon2id$") ||
        node.text.size() > size_max) {
        setting.refuse(
            "wanted is the line that 'millrace password NAME' prints, which begins with $argon2id$");
    }
    return node.text;
}

User user(const Setting& setting) {
    User user;
    for (const auto& entry : setting.map(3)) {
        const std::string& key = entry.node().key;
        if (key == "name") {
            user.name = user_name(entry);
        } else if (key == "password") {
            user.password = password(entry);
        } else if (key == "allow") {
            for (const auto& item : entry.list(Configuration::grants_max)) {
                user.allow.push_back(grant(item));
            }
        } else {
            entry.refuse("unknown key; a user has name, password and allow");
        }
    }
    if (user.name.empty()) {
        setting.refuse("a user needs a name");
    }
    return user;
}

std::vector<User> users(const Setting& setting) {
    std::vector<User> users;
    for (const auto& item : setting.list(Configuration::users_max)) {
        User added = user(item);
        if (std::ranges::find(users, added.name, &User::name) != users.end()) {
            item.refuse(fmt::format("there are two users of the name {}", added.name));
        }
        users.push_back(std::move(added));
    }
    return users;
}

std::string stream_name(const Setting& setting) {
    const auto name = hub::StreamName::parse(setting.text("a stream name such as live/cam"));
    if (!name) {
        setting.refuse(name.error().what);
    }
    return name->text();
}

Duration hls_segment(const Setting& setting) {
    const Duration written = setting.duration();
    if (written < Configuration::hls_segment_min || written > Configuration::hls_segment_max) {
        setting.refuse_value("a duration from 1s to 10s");
    }
    return written;
}

unsigned hls_window(const Setting& setting) {
    const unsigned written = setting.whole_number(Configuration::hls_window_max);
    if (written < Configuration::hls_window_min) {
        setting.refuse_value("a whole number from 3 to 1000");
    }
    return written;
}

// What a key does with its value; the captureless lambdas below are one line each.
using C = Configuration;
using S = Setting;

constexpr std::string_view address = "ADDRESS:PORT or `off`";

constexpr std::array keys{
    ConfigurationKey{"http.listen", address, "[::]:8080", "page, API, metrics and media over HTTP", false,
                     [](C& c, const S& s) { c.http = s.listen_address(); }},
    ConfigurationKey{"https.listen", address, "[::]:8443 with TLS, else off", "the same over TLS", false,
                     [](C& c, const S& s) { c.https = s.listen_address(); }},
    ConfigurationKey{"rtmp.listen", address, "[::]:1935", "publishers and players of RTMP", false,
                     [](C& c, const S& s) { c.rtmp = s.listen_address(); }},
    ConfigurationKey{"rtmps.listen", address, "[::]:1936 with TLS, else off", "the same over TLS", false,
                     [](C& c, const S& s) { c.rtmps = s.listen_address(); }},
    ConfigurationKey{"tls.certificate", "path", "", "PEM file with the certificate chain; needs `tls.key`",
                     false, [](C& c, const S& s) { c.tls_certificate = s.text("the path of a PEM file"); }},
    ConfigurationKey{"tls.key", "path", "", "PEM file with the private key", false,
                     [](C& c, const S& s) { c.tls_key = s.text("the path of a PEM file"); }},
    ConfigurationKey{"http.cors", "`\"*\"` or list of origins", "\"*\"",
                     "pages that may play media from here", true,
                     [](C& c, const S& s) { c.cors = origins(s); }},
    ConfigurationKey{"http.default_stream", "stream name", "", "what the alias `/stream.m3u8` shows", false,
                     [](C& c, const S& s) { c.default_stream = stream_name(s); }},
    ConfigurationKey{"workers", "number", "0", "threads that serve connections; 0: one a core", false,
                     [](C& c, const S& s) { c.workers = s.whole_number(C::workers_max); }},
    ConfigurationKey{"grace", "duration", "10s", "how long viewers wait for a publisher that was lost", false,
                     [](C& c, const S& s) { c.grace = s.duration(); }},
    ConfigurationKey{"hls.segment", "duration", "2s",
                     "the least an HLS segment lasts: it ends with the next key frame; 1s to 10s", false,
                     [](C& c, const S& s) { c.hls_segment = hls_segment(s); }},
    ConfigurationKey{"hls.window", "number", "10", "segments in a live HLS list, at least 3", false,
                     [](C& c, const S& s) { c.hls_window = hls_window(s); }},
    ConfigurationKey{"hls.always", "`true` or `false`", "false",
                     "HLS that was asked for once goes on while nobody watches", false,
                     [](C& c, const S& s) { c.hls_always = s.truth(); }},
    ConfigurationKey{"log.level", "word", "info", "least level that is logged: debug, info, warning or error",
                     false, [](C& c, const S& s) { c.log_level = level(s); }},
    ConfigurationKey{"streams", "map of name pattern to settings", "{}",
                     "streams known beforehand: `{}`, or `{ source: … }`", true,
                     [](C& c, const S& s) { c.streams = streams(s); }},
    ConfigurationKey{"auth.users", "list of `{ name, password, allow }`", "[]", "who may do what", true,
                     [](C& c, const S& s) { c.users = users(s); }},
    ConfigurationKey{"open", "`true` or `false`", "false", "anyone may publish and play, as with `--open`",
                     false, [](C& c, const S& s) { c.open = s.truth(); }},
};

}   // namespace

std::span<const ConfigurationKey> configuration_keys() {
    return keys;
}

}   // namespace millrace::control
