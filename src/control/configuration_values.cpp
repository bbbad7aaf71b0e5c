#include "control/configuration_values.hpp"

#include "base/date_time.hpp"
#include "base/masked_destination.hpp"
#include "base/secret.hpp"
#include "control/catalogue_rule.hpp"
#include "control/json.hpp"
#include "control/object_rule.hpp"

#include <algorithm>
#include <array>

namespace millrace::control {

namespace {

using C = Configuration;

YamlNode listen_value(const ListenAddress& address) {
    return text_node(address.on ? address.endpoint.text() : "off");
}

YamlNode duration_value(Duration duration) {
    const bool seconds = duration % 1s == Duration{};
    return text_node(seconds ? fmt::format("{}s", duration / 1s) : fmt::format("{}ms", duration / 1ms));
}

/// What may be left empty is then not written at all.
YamlNode optional_value(const std::string& text) {
    return text.empty() ? YamlNode{} : text_node(text);
}

YamlNode truth_value(bool value) {
    return plain_node(value ? "true" : "false");
}

YamlNode number_value(unsigned value) {
    return plain_node(std::to_string(value));
}

YamlNode band_value(const hub::QpBand& band) {
    YamlNode list = list_node();
    for (const int end : {band.low, band.high}) {
        list.items.push_back(plain_node(std::to_string(end)));
    }
    return list;
}

template <class T, class Text>
YamlNode list_value(const std::vector<T>& items, Text text) {
    YamlNode list = list_node();
    for (const T& item : items) {
        list.items.push_back(text_node(std::invoke(text, item)));
    }
    return list;
}

std::string_view level_name(log::Level level) {
    switch (level) {
        case log::Level::debug: return "debug";
        case log::Level::info: return "info";
        case log::Level::warning: return "warning";
        case log::Level::error: return "error";
    }
    return "info";
}

YamlNode grants_value(const std::vector<Grant>& grants) {
    return list_value(grants, grant_text);
}

YamlNode streams_value(const C& c) {
    YamlNode streams = map_node();
    for (const StreamRule& rule : c.streams) {
        put(streams, rule.pattern.text(), stream_value(rule));
    }
    return streams;
}

template <class T>
YamlNode entries(const std::vector<T>& items, YamlNode (*value)(const T&)) {
    YamlNode list = list_node();
    std::ranges::transform(items, std::back_inserter(list.items), value);
    return list;
}

YamlNode wfs_value(const C& c) {
    YamlNode map = map_node();
    for (const auto& [channel, stream] : c.wfs) {
        put(map, channel, text_node(stream));
    }
    return map;
}

YamlNode bare_streams_value(const C& c) {
    YamlNode map = map_node();
    for (const auto& [number, stream] : c.kcp_bare_streams) {
        put(map, number ? fmt::format("{}", *number) : std::string{C::any_conversation}, text_node(stream));
    }
    return map;
}

YamlNode cors_value(const C& c) {
    const bool all = c.cors.size() == 1 && c.cors.front() == "*";
    return all ? text_node("*") : list_value(c.cors, std::identity{});
}

struct Shown {
    std::string_view key;
    YamlNode (*value)(const C& configuration);
};

constexpr std::array shown{
    Shown{"http.listen", [](const C& c) { return listen_value(c.http); }},
    Shown{"https.listen", [](const C& c) { return listen_value(c.https); }},
    Shown{"rtmp.listen", [](const C& c) { return listen_value(c.rtmp); }},
    Shown{"rtmps.listen", [](const C& c) { return listen_value(c.rtmps); }},
    Shown{"rtsp.listen", [](const C& c) { return listen_value(c.rtsp); }},
    Shown{"rtsps.listen", [](const C& c) { return listen_value(c.rtsps); }},
    Shown{"rtsp.udp", [](const C& c) { return listen_value(c.rtsp_udp); }},
    Shown{"rtsp.multicast", [](const C& c) { return listen_value(c.rtsp_multicast); }},
    Shown{"rtsp.multicast_ttl", [](const C& c) { return number_value(c.rtsp_multicast_ttl); }},
    Shown{"rtsp.multicast_interface", [](const C& c) { return optional_value(c.rtsp_multicast_interface); }},
    Shown{"kcp.listen", [](const C& c) { return listen_value(c.kcp); }},
    Shown{"kcp.psk_file", [](const C& c) { return optional_value(c.kcp_psk_file); }},
    Shown{"kcp.bare_listen", [](const C& c) { return listen_value(c.kcp_bare); }},
    Shown{"kcp.bare_streams", bare_streams_value},
    Shown{"tls.certificate", [](const C& c) { return optional_value(c.tls_certificate); }},
    Shown{"tls.key", [](const C& c) { return optional_value(c.tls_key); }},
    Shown{"tls.verify", [](const C& c) { return truth_value(c.tls_verify); }},
    Shown{"outgoing.allow", [](const C& c) { return list_value(c.outgoing_allow, &IpPrefix::text); }},
    Shown{"http.cors", cors_value},
    Shown{"http.hosts", [](const C& c) { return list_value(c.hosts, std::identity{}); }},
    Shown{"http.trusted_proxies", [](const C& c) { return list_value(c.trusted_proxies, &IpPrefix::text); }},
    Shown{"http.default_stream", [](const C& c) { return optional_value(c.default_stream); }},
    Shown{"http.wfs", wfs_value},
    Shown{"workers", [](const C& c) { return number_value(c.workers); }},
    Shown{"grace", [](const C& c) { return duration_value(c.grace); }},
    Shown{"takeover", [](const C& c) { return truth_value(c.takeover); }},
    Shown{"hls.segment", [](const C& c) { return duration_value(c.hls_segment); }},
    Shown{"storage.import_gigabytes", [](const C& c) { return number_value(c.import_gigabytes); }},
    Shown{"hls.window", [](const C& c) { return number_value(c.hls_window); }},
    Shown{"hls.always", [](const C& c) { return truth_value(c.hls_always); }},
    Shown{"qp_band", [](const C& c) { return band_value(c.qp_band); }},
    Shown{"log.level", [](const C& c) { return text_node(level_name(c.log_level)); }},
    Shown{"log.format",
          [](const C& c) { return text_node(c.log_format == log::Format::json ? "json" : "text"); }},
    Shown{"storage.path", [](const C& c) { return text_node(c.storage_path); }},
    Shown{"uplink.order", [](const C& c) { return text_node(c.uplink.newest_first ? "newest" : "oldest"); }},
    Shown{"uplink.rate_kbits", [](const C& c) { return number_value(c.uplink.rate_kbits_max); }},
    Shown{"uplink.deadline", [](const C& c) { return duration_value(c.uplink.deadline); }},
    Shown{"storage.keep", [](const C& c) { return keep_value(c.keep); }},
    Shown{"storage.objects", [](const C& c) { return objects_value(c.objects); }},
    Shown{"storage.catalogue", [](const C& c) { return catalogue_value(c.catalogue); }},
    Shown{"streams", streams_value},
    Shown{"auth.users", [](const C& c) { return entries(c.users, user_value); }},
    Shown{"auth.tokens", [](const C& c) { return entries(c.tokens, token_value); }},
    Shown{"open", [](const C& c) { return truth_value(c.open); }},
};

/// Masks `secret` in every entry of the list under `key` of `auth`.
void mask(YamlNode& auth, std::string_view key, std::string_view secret) {
    YamlNode* const list = find(auth, key);
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
        if (YamlNode* const value = find(list->items[i], secret)) {
            *value = text_node(masked_secret);
            value->key = secret;
        }
    }
}

}   // namespace

std::string grant_text(const Grant& grant) {
    return fmt::format("{}:{}", hub::name(grant.action), grant.pattern.text());
}

YamlNode user_value(const User& user) {
    YamlNode value = map_node();
    put(value, "name", text_node(user.name));
    if (!user.password.empty()) {
        put(value, "password", text_node(masked_secret));
    }
    if (user.digest) {
        put(value, "digest", text_node(masked_secret));
    }
    if (!user.key.empty()) {
        put(value, "key", text_node(masked_secret));
    }
    put(value, "allow", grants_value(user.allow));
    return value;
}

YamlNode digest_value(const DigestSecrets& digest) {
    YamlNode value = map_node();
    if (!digest.md5.empty()) {
        put(value, "md5", text_node(digest.md5));
    }
    if (!digest.sha256.empty()) {
        put(value, "sha256", text_node(digest.sha256));
    }
    return value;
}

YamlNode token_value(const Token& token) {
    YamlNode value = map_node();
    put(value, "name", text_node(token.name));
    put(value, "sha256", text_node(masked_secret));
    put(value, "allow", grants_value(token.allow));
    if (token.expires) {
        put(value, "expires", text_node(date_time_text(*token.expires)));
    }
    return value;
}

YamlNode stream_value(const StreamRule& rule) {
    YamlNode value = map_node();
    if (rule.other_sources.empty() && !rule.source.empty()) {
        put(value, "source", text_node(masked(rule.source)));
    } else if (!rule.source.empty()) {
        YamlNode sources = list_value(rule.other_sources, masked);
        sources.items.insert(sources.items.begin(), text_node(masked(rule.source)));
        put(value, "source", std::move(sources));
    }
    if (rule.transport) {
        put(value, "transport", text_node(name(*rule.transport)));
    }
    if (!rule.forward.empty()) {
        put(value, "forward", list_value(rule.forward, masked_destination));
    }
    if (!rule.uplink.empty()) {
        put(value, "uplink", text_node(masked_destination(rule.uplink)));
    }
    if (rule.grace) {
        put(value, "grace", duration_value(*rule.grace));
    }
    if (rule.on_demand) {
        put(value, "on_demand", truth_value(*rule.on_demand));
    }
    if (rule.idle) {
        put(value, "idle", duration_value(*rule.idle));
    }
    if (rule.record && rule.record_before) {
        YamlNode record = map_node();
        put(record, "on_demand", truth_value(!*rule.record));
        put(record, "before", duration_value(*rule.record_before));
        put(value, "record", std::move(record));
    } else if (rule.record) {
        put(value, "record", truth_value(*rule.record));
    }
    if (rule.takeover) {
        put(value, "takeover", truth_value(*rule.takeover));
    }
    YamlNode hls = map_node();
    if (rule.hls_segment) {
        put(hls, "segment", duration_value(*rule.hls_segment));
    }
    if (rule.hls_window) {
        put(hls, "window", number_value(*rule.hls_window));
    }
    if (rule.hls_always) {
        put(hls, "always", truth_value(*rule.hls_always));
    }
    if (!hls.items.empty()) {
        put(value, "hls", std::move(hls));
    }
    if (rule.qp_band) {
        put(value, "qp_band", band_value(*rule.qp_band));
    }
    return value;
}

YamlNode configuration_value(const Configuration& configuration, std::string_view key) {
    const auto found = std::ranges::find(shown, key, &Shown::key);
    return found == shown.end() ? YamlNode{} : found->value(configuration);
}

YamlNode masked_rule(YamlNode rule) {
    if (YamlNode* const source = find(rule, "source")) {
        source->text = masked(source->text);
        for (YamlNode& one : source->items) {
            one.text = masked(one.text);
        }
    }
    if (YamlNode* const forward = find(rule, "forward")) {
        forward->text = masked_destination(forward->text);
        for (YamlNode& one : forward->items) {
            one.text = masked_destination(one.text);
        }
    }
    if (YamlNode* const uplink = find(rule, "uplink")) {
        uplink->text = masked_destination(uplink->text);
    }
    return rule;
}

YamlNode masked_overlay(YamlNode overlay) {
    if (YamlNode* const streams = find(overlay, "streams")) {
        for (YamlNode& rule : streams->items) {
            rule = masked_rule(std::move(rule));
        }
    }
    if (YamlNode* const auth = find(overlay, "auth")) {
        mask(*auth, "users", "password");
        mask(*auth, "users", "digest");
        mask(*auth, "users", "key");
        mask(*auth, "tokens", "sha256");
    }
    return overlay;
}

}   // namespace millrace::control
