#include "control/catalogue_rule.hpp"

#include "base/url.hpp"
#include "control/json.hpp"

namespace millrace::control {

namespace {

constexpr std::string_view wanted_url = "postgres://USER@HOST/DATABASE";
constexpr std::size_t node_name_max = 64;

void read_url(CatalogueRule& rule, const Setting& setting) {
    constexpr std::size_t name_size_max = 63;   // of PostgreSQL
    const Result<Url> url = parse_url(setting.text(wanted_url));
    const bool scheme = url && (url->scheme == "postgres" || url->scheme == "postgresql");
    // Not told with its value, which may have a password.
    const std::string database = url ? url->target.substr(1) : std::string{};
    if (!scheme || url->user.empty() || !url->fragment.empty() || database.empty() ||
        database.size() > name_size_max || !is_plain(database, "-_.")) {
        setting.refuse(fmt::format("wanted is {}", wanted_url));
    }
    if (!url->password.empty() && setting.source().starts_with("--set")) {
        setting.refuse("lists of processes show options: write password_file, or a configuration file");
    }
    rule.host = url->host;
    rule.port = url->port;
    rule.user = url->user;
    rule.password = url->password;
    rule.database = database;
}

void read_entry(CatalogueRule& rule, const Setting& entry) {
    const std::string& name = entry.node().key;
    if (name == "url") {
        read_url(rule, entry);
    } else if (name == "node") {
        rule.node = entry.plain_text("-_.", node_name_max,
                                     "a name of letters, digits, '-', '_' and '.', such as north");
    } else if (name == "address") {
        rule.address = entry.site("where people find this node, such as https://north.example.org:8443");
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
    if (!rule.is_on()) {
        return value;
    }
    put_text(value, "url", rule.url());
    put_text(value, "node", rule.node);
    put_text(value, "address", rule.address);
    put_text(value, "password_file", rule.password_file);
    put_text(value, "ca_file", rule.ca_file);
    return value;
}

}   // namespace millrace::control
