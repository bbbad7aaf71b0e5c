#include "control/configuration_values.hpp"

#include "control/json.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

constexpr std::string_view everything = R"(
http:
  listen: "127.0.0.1:80"
  cors: [ "https://a.example" ]
  hosts: [ live.example ]
  trusted_proxies: [ 10.0.0.0/8, ::1 ]
  default_stream: live/cam
  wfs: { ch1: live/door, ch2: live/cam }
https: { listen: "[::1]:443" }
rtmp: { listen: off }
rtmps: { listen: "0.0.0.0:1936" }
tls: { certificate: c.pem, key: k.pem, verify: false }
outgoing: { allow: [ 127.0.0.1, fe80::/10 ] }
kcp: { psk_file: keys.psk }
workers: 3
grace: 1500ms
takeover: true
hls: { segment: 4s, window: 5, always: true }
qp_band: [18, 34]
rtsp: { multicast: "239.1.2.0:8002", multicast_ttl: 4, multicast_interface: eth0 }
log: { level: debug, format: json }
storage: { path: /data }
streams:
  live/cam: { source: "test:?fps=30", on_demand: true, idle: 1m, forward: [ "rtmp://h/live", "tcp://h:5" ] }
  "public/*": {}
open: true
)";

TEST(ConfigurationValues, show_every_key_as_the_file_would_write_it) {
    const Configuration written =
        load_configuration({.file_name = "m", .file_text = std::string{everything}});
    for (const ConfigurationKey& key : configuration_keys()) {
        if (key.name.starts_with("auth.")) {
            continue;
        }
        const YamlNode value = configuration_value(written, key.name);
        ASSERT_NE(value.kind, YamlNode::Kind::null) << key.name << " is not shown";
        std::string overlay = json_text(value);
        std::string closing;
        std::string_view name = key.name;
        std::string opening;
        while (!name.empty()) {
            const std::string_view part = name.substr(0, name.find('.'));
            name.remove_prefix(std::min(part.size() + 1, name.size()));
            opening += fmt::format("{{\"{}\":", part);
            closing += "}";
        }
        ConfigurationSources again;
        again.file_text = "tls: { certificate: c.pem, key: k.pem }";
        again.overlay = *parse_json(opening + overlay + closing);
        EXPECT_EQ(json_text(configuration_value(load_configuration(again), key.name)), overlay) << key.name;
    }
}

TEST(ConfigurationValues, show_defaults) {
    const Configuration c = load_configuration({});
    EXPECT_EQ(json_text(configuration_value(c, "http.listen")), "\"[::]:8080\"\n");
    EXPECT_EQ(json_text(configuration_value(c, "https.listen")), "\"off\"\n");
    EXPECT_EQ(json_text(configuration_value(c, "http.cors")), "\"*\"\n");
    EXPECT_EQ(json_text(configuration_value(c, "grace")), "\"10s\"\n");
}

TEST(ConfigurationValues, case_69_secrets_are_masked) {
    const std::string hash(64, 'a');
    const std::string digest(32, 'd');
    const Configuration c =
        load_configuration({.file_name = "m",
                            .file_text = "auth: { users: [ { name: u, password: "
                                         "\"$argon2id$v=19$m=64,t=1,p=1$c2VjcmV0c2VjcmV0$"
                                         "AAAAAAAAAAAAAAAAAAAAAA\", digest: { md5: \"" +
                                         digest +
                                         "\" }, allow: [ \"play:*\" ] } ],"
                                         " tokens: [ { name: t, sha256: \"" +
                                         hash + "\", expires: 2027-01-31T12:00:00Z } ] }"});
    const std::string users = json_text(configuration_value(c, "auth.users"));
    const std::string tokens = json_text(configuration_value(c, "auth.tokens"));
    EXPECT_EQ(users.find("c2Vj"), std::string::npos) << users;
    EXPECT_EQ(users.find(digest), std::string::npos) << users;
    EXPECT_NE(users.find("play:*"), std::string::npos);
    EXPECT_EQ(tokens.find(hash), std::string::npos) << tokens;
    EXPECT_NE(tokens.find("2027-01-31T12:00:00.000Z"), std::string::npos);
    const YamlNode overlay = *parse_json(R"({"auth":{"users":[{"name":"u","password":"secret",
        "digest":{"md5":"secret"}}],
        "tokens":[{"name":"t","sha256":"secret"}]},"grace":"1s"})");
    const std::string shown = json_text(masked_overlay(overlay));
    EXPECT_EQ(shown.find("secret"), std::string::npos) << shown;
    EXPECT_NE(shown.find("\"grace\": \"1s\""), std::string::npos);
}

}   // namespace
}   // namespace millrace::control
