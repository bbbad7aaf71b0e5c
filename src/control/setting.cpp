#include "control/setting.hpp"

#include "base/url.hpp"
#include "control/ip_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::control {

namespace {

constexpr std::size_t shown_max = 64;

/// A whole decimal number and nothing else.
std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

/// "127.0.0.1:80" or "[::1]:80".
std::optional<Endpoint> endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = number(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const bool address = bracketed ? is_ipv6_address(host) : is_ipv4_address(host);
    if (!address || !port || *port > UINT16_MAX) {
        return std::nullopt;
    }
    return Endpoint{std::string{host}, static_cast<std::uint16_t>(*port)};
}

}   // namespace

bool is_plain(std::string_view text, std::string_view more) {
    return std::ranges::all_of(text, [more](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.contains(c);
    });
}

std::string place_of(const YamlNode& node, std::string_view source) {
    return node.line == 0 ? std::string{source} : fmt::format("{}:{}:{}", source, node.line, node.column);
}

void Setting::refuse(std::string_view what) const {
    throw ConfigurationError(fmt::format("{}: {}: {}", place_of(node_, source_), path_, what));
}

void Setting::refuse_value(std::string_view wanted) const {
    switch (node_.kind) {
        case YamlNode::Kind::scalar:
            refuse(fmt::format("'{}' is not {}", log::escaped(node_.text, shown_max), wanted));
        case YamlNode::Kind::null: refuse(fmt::format("nothing is written here; wanted is {}", wanted));
        case YamlNode::Kind::list: refuse(fmt::format("a list is written here; wanted is {}", wanted));
        case YamlNode::Kind::map: refuse(fmt::format("a map is written here; wanted is {}", wanted));
    }
    refuse(wanted);
}

const std::string& Setting::text(std::string_view wanted) const {
    if (node_.kind != YamlNode::Kind::scalar || node_.text.empty() ||
        node_.text.find('\0') != std::string::npos) {
        refuse_value(wanted);
    }
    return node_.text;
}

const std::string& Setting::plain_text(std::string_view more, std::size_t size_max,
                                       std::string_view wanted) const {
    const std::string& written = text(wanted);
    if (written.size() > size_max || !is_plain(written, more)) {
        refuse_value(wanted);
    }
    return written;
}

std::string Setting::site(std::string_view wanted) const {
    const Result<Url> url = parse_url(text(wanted));
    const bool good = url && (url->scheme == "https" || url->scheme == "http") && !url->has_user &&
                      url->target == "/" && url->fragment.empty();
    if (!good) {   // not told with its value, which may have a password
        refuse(fmt::format("wanted is {}", wanted));
    }
    return url->scheme + "://" + url->authority();
}

bool Setting::truth() const {
    constexpr std::string_view wanted = "true or false";
    const std::string& written = text(wanted);
    if (node_.quoted || (written != "true" && written != "false")) {
        refuse_value(wanted);
    }
    return written == "true";
}

unsigned Setting::whole_number(unsigned max) const {
    const std::string wanted = fmt::format("a whole number from 0 to {}", max);
    const auto value = number(text(wanted));
    if (node_.quoted || !value || *value > max) {
        refuse_value(wanted);
    }
    return *value;
}

Duration Setting::duration() const {
    struct Unit {
        std::string_view name;
        Duration length;
    };
    constexpr std::array units{Unit{"ms", 1ms}, Unit{"s", 1s}, Unit{"m", 1min}, Unit{"h", 1h}};
    constexpr std::string_view wanted =
        "a duration with its unit, such as 500ms, 10s, 5m or 1h (at most 24h)";
    const std::string_view written = text(wanted);
    const std::size_t digits = std::min(written.find_first_not_of("0123456789"), written.size());
    const auto value = number(written.substr(0, digits));
    const auto unit = std::ranges::find(units, written.substr(digits), &Unit::name);
    if (!value || unit == units.end() || *value > 24h / unit->length) {
        refuse_value(wanted);
    }
    return *value * unit->length;
}

ListenAddress Setting::listen_address() const {
    constexpr std::string_view wanted =
        "ADDRESS:PORT with an IP address, such as 127.0.0.1:8080 or \"[::]:8080\", or off";
    const std::string& written = text(wanted);
    if (written == "off") {
        return {.endpoint = {}, .on = false, .written = true};
    }
    auto parsed = endpoint(written);
    if (!parsed) {
        refuse_value(wanted);
    }
    return {.endpoint = std::move(*parsed), .on = true, .written = true};
}

NamePattern Setting::name_pattern() const {
    auto pattern = NamePattern::parse(text("a stream name, which may hold '*'"));
    if (!pattern) {
        refuse(pattern.error().what);
    }
    return std::move(*pattern);
}

std::vector<Setting> Setting::list(std::size_t count_max) const {
    if (node_.kind != YamlNode::Kind::list) {
        refuse_value("a list");
    }
    if (node_.items.size() > count_max) {
        refuse(fmt::format("more than {} entries", count_max));
    }
    std::vector<Setting> settings;
    for (const auto& item : node_.items) {
        settings.emplace_back(item, fmt::format("{}[{}]", path_, settings.size()), source_);
    }
    return settings;
}

std::vector<Setting> Setting::map(std::size_t count_max) const {
    if (node_.kind != YamlNode::Kind::map) {
        refuse_value("a map");
    }
    if (node_.items.size() > count_max) {
        refuse(fmt::format("more than {} entries", count_max));
    }
    std::vector<Setting> settings;
    for (const auto& item : node_.items) {
        settings.emplace_back(item, fmt::format("{}.{}", path_, log::escaped(item.key, shown_max)), source_);
    }
    return settings;
}

}   // namespace millrace::control
