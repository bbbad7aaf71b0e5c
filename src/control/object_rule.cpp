#include "control/object_rule.hpp"

#include "control/configuration_values.hpp"
#include "control/json.hpp"
#include "control/stream_rules.hpp"

#include <algorithm>

namespace millrace::control {

namespace {

std::string prefix(const Setting& setting) {
    constexpr std::size_t size_max = 200;
    const std::string& text =
        setting.plain_text("-_./", size_max, "what stands before names in the bucket, such as site-7/");
    if (text.starts_with('/')) {
        setting.refuse("a prefix does not begin with '/'");
    }
    return text.ends_with('/') ? text : text + "/";
}

/// Keys are never shown, not even in what is wrong with them.
std::string key(const Setting& setting) {
    constexpr std::size_t size_max = 1024;
    const std::string& text = setting.text("a key");
    const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
    if (text.size() > size_max || !printable) {
        setting.refuse("a key has no spaces, line ends or other letters than those of ASCII");
    }
    return text;
}

void read_entry(ObjectRule& rule, const Setting& entry) {
    constexpr std::size_t bucket_max = 63;
    const std::string& name = entry.node().key;
    if (name == "endpoint") {
        rule.endpoint = entry.site("an address without a path, such as https://s3.example.org:9000");
    } else if (name == "bucket") {
        rule.bucket = entry.plain_text("-_.", bucket_max, "a bucket's name");
    } else if (name == "region") {
        rule.region = entry.plain_text("-", bucket_max, "a region such as eu-central-1");
    } else if (name == "prefix") {
        rule.prefix = prefix(entry);
    } else if (name == "access_key") {
        rule.access_key = key(entry);
    } else if (name == "secret_key") {
        if (entry.source().starts_with("--set")) {
            entry.refuse("lists of processes show options: write secret_key_file, or a configuration file");
        }
        rule.secret_key = key(entry);
    } else if (name == "secret_key_file") {
        rule.secret_key_file = entry.text("the path of a file with the key alone");
    } else if (name == "ca_file") {
        rule.ca_file = entry.text("the path of a file with certificates (PEM)");
    } else if (name == "keep") {
        rule.keep = read_keep(entry);
    } else {
        entry.refuse(
            "unknown key; objects has endpoint, bucket, region, prefix, access_key, secret_key, "
            "secret_key_file, ca_file and keep");
    }
}

}   // namespace

ObjectRule read_objects(const Setting& setting) {
    constexpr std::size_t keys_max = 9;
    ObjectRule rule;
    const std::vector<Setting> entries = setting.map(keys_max);
    for (const Setting& entry : entries) {
        read_entry(rule, entry);
    }
    if (entries.empty()) {
        return rule;
    }
    if (rule.endpoint.empty() || rule.bucket.empty() || rule.access_key.empty()) {
        setting.refuse("needed are endpoint, bucket, access_key, and secret_key or secret_key_file");
    }
    if (rule.secret_key.empty() == rule.secret_key_file.empty()) {
        setting.refuse("needed is one of secret_key and secret_key_file");
    }
    return rule;
}

YamlNode keep_value(const KeepRule& rule) {
    YamlNode keep = map_node();
    const auto show = [&keep](std::string_view key, std::optional<unsigned> number) {
        if (number) {
            put(keep, key, plain_node(std::to_string(*number)));
        }
    };
    show("days", rule.days);
    show("gigabytes", rule.gigabytes);
    show("stream_gigabytes", rule.stream_gigabytes);
    return keep;
}

YamlNode objects_value(const ObjectRule& rule) {
    YamlNode value = map_node();
    if (!rule.is_on()) {
        return value;
    }
    put_text(value, "endpoint", rule.endpoint);
    put_text(value, "bucket", rule.bucket);
    put_text(value, "region", rule.region);
    put_text(value, "prefix", rule.prefix);
    put_text(value, "access_key", masked_secret);
    put_text(value, "secret_key", rule.secret_key.empty() ? "" : masked_secret);
    put_text(value, "secret_key_file", rule.secret_key_file);
    put_text(value, "ca_file", rule.ca_file);
    if (YamlNode keep = keep_value(rule.keep); !keep.items.empty()) {
        put(value, "keep", std::move(keep));
    }
    return value;
}

}   // namespace millrace::control
