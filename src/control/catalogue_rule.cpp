#include "control/catalogue_rule.hpp"

#include "base/url.hpp"
#include "control/json.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view wanted_url = "postgres://USER@HOST/DATABASE";

bool is_word(std::string_view text, std::string_view more, std::size_t size_max) {
    return !text.empty() && text.size() <= size_max && std::ranges::all_of(text, [more](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.contains(c);
    });
}

void read_url(CatalogueRule& rule, const Setting& setting) {
    constexpr std::size_t name_size_max = 63;   // of PostgreSQL
    const Result<Url> url = parse_url(setting.text(wanted_url));
    const bool scheme = url && (url->scheme == "postgres" || url->scheme == "postgresql");
    // Not told with its value, which may have a password.
    if (!scheme || url->user.empty() || !url->fragment.empty() ||
        !is_word(std::string_view{url->target}.substr(1), "-_.", name_size_max)) {
        setting.refuse(fmt::format("wanted is {}", wanted_url));
    }
    if (!url->password.empty() && setting.source().starts_with("--set")) {
        setting.refuse("lists of processes show options: write password_file, or a configuration file");
    }
    rule.host = url->host;
    rule.port = url->port;
    rule.user = url->user;
    rule.password = url->password;
    rule.database = url->target.substr(1);
}

std::string node_name(const Setting& setting) {
    constexpr std::size_t size_max = 64;
    constexpr std::string_view wanted = "a name of letters, digits, '-', '_' and '.', such as north";
    const std::string& text = setting.text(wanted);
    if (!is_word(text, "-_.", size_max)) {
        setting.refuse_value(wanted);
    }
    return text;
}

std::string node_address(const Setting& setting) {
    constexpr std::string_view wanted = "where people find this node, such as https://north.example.org:8443";
    const Result<Url> url = parse_url(setting.text(wanted));
    const bool good = url && (url->scheme == "https" || url->scheme == "http") && !url->has_user &&
                      url->target == "/" && url->fragment.empty();
    if (!good) {
        setting.refuse(fmt::format("wanted is {}", wanted));
    }
    return url->scheme + "://" + url->authority();
}

void read_entry(CatalogueRule& rule, const Setting& entry) {
    const std::string& name = entry.node().key;
    if (name == "url") {
        read_url(rule, entry);
    } else if (name == "node") {
        rule.node = node_name(entry);
    } else if (name == "address") {
        rule.address = node_address(entry);
    } else if (name == "password_file") {
        rule.password_file = entry.text("the path of a file with the password alone");
    } else if (name == "ca_file") {
        rule.ca_file = entry.text("the path of a file with certificates (PEM)");
    } else {
        entry.refuse("unknown key; catalogue has url, node, address, password_file and ca_file");
    }
}

}   // namespace

std::string CatalogueRule::url() const {
    const bool ipv6 = host.contains(':');
    const std::string_view secret = password.empty() ? "" : ":***";
    return fmt::format("postgres://{}{}@{}{}{}:{}/{}", user, secret, ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                       port, database);
}

CatalogueRule read_catalogue(const Setting& setting) {
    constexpr std::size_t keys_max = 5;
    CatalogueRule rule;
    const std::vector<Setting> entries = setting.map(keys_max);
    for (const Setting& entry : entries) {
        read_entry(rule, entry);
    }
    if (entries.empty()) {
        return rule;
    }
    if (rule.host.empty() || rule.node.empty()) {
        setting.refuse("needed are url, and node: what this node calls itself, as no other does");
    }
    if (!rule.password.empty() && !rule.password_file.empty()) {
        setting.refuse("the password stands in url or in password_file, not in both");
    }
    return rule;
}

YamlNode catalogue_value(const CatalogueRule& rule) {
    YamlNode value = map_node();
    const auto show = [&value](std::string_view key, std::string_view text) {
        if (!text.empty()) {
            put(value, key, text_node(std::string{text}));
        }
    };
    if (!rule.is_on()) {
        return value;
    }
    show("url", rule.url());
    show("node", rule.node);
    show("address", rule.address);
    show("password_file", rule.password_file);
    show("ca_file", rule.ca_file);
    return value;
}

}   // namespace millrace::control
