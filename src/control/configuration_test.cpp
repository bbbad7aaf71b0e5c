#include "control/configuration.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace millrace::control {
namespace {

Configuration load(std::string text) {
    return load_configuration({.file_name = "m.yaml", .file_text = std::move(text)});
}

std::string error_of(const ConfigurationSources& sources) {
    try {
        (void)load_configuration(sources);
    } catch (const ConfigurationError& error) {
        return error.what();
    }
    return "no error";
}

std::string file_error(std::string text) {
    return error_of({.file_name = "m.yaml", .file_text = std::move(text)});
}

TEST(Configuration, has_defaults_for_everything) {
    const Configuration c = load("");
    EXPECT_EQ(c.http.endpoint.text(), "[::]:8080");
    EXPECT_TRUE(c.http.on);
    EXPECT_FALSE(c.http.written) << "a default may fall back to IPv4";
    EXPECT_EQ(c.rtmp.endpoint.text(), "[::]:1935");
    EXPECT_FALSE(c.https.on);
    EXPECT_FALSE(c.rtmps.on);
    EXPECT_EQ(c.cors, std::vector<std::string>{"*"});
    EXPECT_EQ(c.workers, 0U);
    EXPECT_FALSE(c.takeover);
    EXPECT_EQ(c.grace, 10s);
    EXPECT_EQ(c.hls_segment, 2s);
    EXPECT_EQ(c.hls_window, 10U);
    EXPECT_FALSE(c.hls_always);
    EXPECT_EQ(c.qp_band, (hub::QpBand{20, 25}));
    EXPECT_EQ(c.log_level, log::Level::info);
    EXPECT_EQ(c.log_format, log::Format::text);
    EXPECT_EQ(c.storage_path, "./millrace-data");
    EXPECT_TRUE(c.hosts.empty());
    EXPECT_TRUE(c.trusted_proxies.empty());
    EXPECT_TRUE(c.tokens.empty());
    EXPECT_FALSE(c.has_auth());
    EXPECT_FALSE(c.open);
}

TEST(Configuration, reads_every_key_of_a_file) {
    const Configuration c = load(R"(# a node
http: { listen: "127.0.0.1:80", cors: [ "https://a.example", "http://localhost:3000" ] }
https:
  listen: "[::1]:443"
rtmp: { listen: off }
tls: { certificate: /etc/c.pem, key: "/etc/k.pem" }
workers: 3
grace: 500ms
hls: { segment: 4s, window: 5, always: true }
qp_band: [18, 34]
log: { level: debug }
streams:
  live/cam: { source: "test:?size=640x360&fps=30" }
  "public/*": { }
auth:
  users:
    - name: cam
      password: "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"
      allow: [ "publish:live/*" ]
    - { name: anyone, allow: [ "play:public/*", "archive:*" ] }
open: true
)");
    EXPECT_EQ(c.http.endpoint.text(), "127.0.0.1:80");
    EXPECT_TRUE(c.http.written);
    EXPECT_EQ(c.cors, (std::vector<std::string>{"https://a.example", "http://localhost:3000"}));
    EXPECT_EQ(c.https.endpoint.text(), "[::1]:443");
    EXPECT_TRUE(c.https.on);
    EXPECT_FALSE(c.rtmp.on);
    EXPECT_TRUE(c.rtmps.on) << "by default, with TLS";
    EXPECT_FALSE(c.rtmps.written);
    EXPECT_EQ(c.tls_certificate, "/etc/c.pem");
    EXPECT_EQ(c.tls_key, "/etc/k.pem");
    EXPECT_EQ(c.workers, 3U);
    EXPECT_EQ(c.grace, 500ms);
    EXPECT_EQ(c.hls_segment, 4s);
    EXPECT_EQ(c.hls_window, 5U);
    EXPECT_TRUE(c.hls_always);
    EXPECT_EQ(c.qp_band, (hub::QpBand{18, 34}));
    EXPECT_EQ(c.log_level, log::Level::debug);
    ASSERT_EQ(c.streams.size(), 2U);
    EXPECT_EQ(c.streams[0].source, "test:?size=640x360&fps=30");
    EXPECT_EQ(c.streams[1].pattern.text(), "public/*");
    EXPECT_EQ(c.streams[1].source, "");
    ASSERT_EQ(c.users.size(), 2U);
    EXPECT_EQ(c.users[0].name, "cam");
    EXPECT_EQ(c.users[0].password, "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA");
    ASSERT_EQ(c.users[1].allow.size(), 2U);
    EXPECT_EQ(c.users[1].allow[1].action, hub::Action::archive);
    EXPECT_EQ(c.users[1].allow[1].pattern.text(), "*");
    EXPECT_TRUE(c.open);
}

TEST(Configuration, later_sources_win) {
    ConfigurationSources sources{.file_name = "m.yaml",
                                 .file_text = "{grace: 1s, workers: 1, log: {level: error}}"};
    EXPECT_EQ(load_configuration(sources).grace, 1s);
    sources.environment = {"PATH=/bin", "MILLRACE_GRACE=2s", "MILLRACE_WORKERS=2",
                           "MILLRACE_PORT=tcp://10.0.0.1:80"};
    EXPECT_EQ(load_configuration(sources).grace, 2s);
    sources.sets = {"grace=3s", "grace=4s"};
    const Configuration c = load_configuration(sources);
    EXPECT_EQ(c.grace, 4s);
    EXPECT_EQ(c.workers, 2U);
    EXPECT_EQ(c.log_level, log::Level::error);
    EXPECT_FALSE(c.open);
    sources.open = true;
    EXPECT_TRUE(load_configuration(sources).open);
}

TEST(Configuration, options_take_plain_text_and_yaml_for_lists) {
    const Configuration c =
        load_configuration({.file_name = {},
                            .file_text = {},
                            .environment = {"MILLRACE_AUTH_USERS=[{name: a, allow: [play:x]}]"},
                            .sets = {"http.listen=[::]:0", "rtmp.listen=\"127.0.0.1:0\"",
                                     "http.cors=[https://a.example]", "streams={live/*: {}}"}});
    EXPECT_EQ(c.http.endpoint.text(), "[::]:0");
    EXPECT_TRUE(c.http.written);
    EXPECT_EQ(c.rtmp.endpoint.text(), "127.0.0.1:0");
    EXPECT_EQ(c.cors[0], "https://a.example");
    EXPECT_EQ(c.streams[0].pattern.text(), "live/*");
    EXPECT_EQ(c.users[0].name, "a");
}

struct Row {
    std::string text;
    std::string_view error;   ///< how it begins
};

TEST(Configuration, errors_name_place_key_and_what_would_be_right) {
    const std::vector<Row> rows{
        {"http:\n  listne: off", "m.yaml:2:3: http.listne: unknown key; did you mean http.listen?"},
        {"htp: {}", "m.yaml:1:1: htp: unknown key; did you mean http?"},
        {"nothing_like_it: 1", "m.yaml:1:1: nothing_like_it: unknown key"},
        {"http.listen: off", "m.yaml:1:1: http.listen: write one map inside the other"},
        {"http: 5", "m.yaml:1:1: http: '5' is not a map of keys"},
        {"- a", "m.yaml:1:1: the file: a list is written here; wanted is a map"},
        {"rtmp: { listen: 1935 }", "m.yaml:1:9: rtmp.listen: '1935' is not ADDRESS:PORT"},
        {"rtmp: { listen: \":1935\" }", "m.yaml:1:9: rtmp.listen: ':1935' is not ADDRESS:PORT"},
        {"rtmp: { listen: \"localhost:1935\" }", "m.yaml:1:9: rtmp.listen: 'localhost:1935' is not"},
        {"rtmp: { listen: \"::1:1935\" }", "m.yaml:1:9: rtmp.listen: '::1:1935' is not"},
        {"rtmp: { listen: 0.0.0.0:65536 }", "m.yaml:1:9: rtmp.listen: '0.0.0.0:65536' is not"},
        {"rtmp: { listen: }", "m.yaml:1:9: rtmp.listen: nothing is written here; wanted is ADDRESS:PORT"},
        {"rtmp: { listen: [a] }", "m.yaml:1:9: rtmp.listen: a list is written here"},
        {"workers: 257", "m.yaml:1:1: workers: '257' is not a whole number from 0 to 256"},
        {"workers: -1", "m.yaml:1:1: workers: '-1' is not a whole number"},
        {"workers: \"1\"", "m.yaml:1:1: workers: '1' is not a whole number"},
        {"workers: 1.5", "m.yaml:1:1: workers: '1.5' is not a whole number"},
        {"grace: 10", "m.yaml:1:1: grace: '10' is not a duration with its unit, such as 500ms"},
        {"grace: 25h", "m.yaml:1:1: grace: '25h' is not a duration"},
        {"grace: 10sec", "m.yaml:1:1: grace: '10sec' is not a duration"},
        {"grace: s", "m.yaml:1:1: grace: 's' is not a duration"},
        {"hls: { segment: 500ms }", "m.yaml:1:8: hls.segment: '500ms' is not a duration from 1s to 10s"},
        {"hls: { segment: 11s }", "m.yaml:1:8: hls.segment: '11s' is not a duration from 1s to 10s"},
        {"qp_band: [25, 20]", "m.yaml:1:1: qp_band: a band is two whole numbers from 0 to 51"},
        {"qp_band: [20]", "m.yaml:1:1: qp_band: a band is two whole numbers from 0 to 51"},
        {"qp_band: [20, 52]", "m.yaml:1:15: qp_band[1]: '52' is not a whole number"},
        {"hls: { window: 2 }", "m.yaml:1:8: hls.window: '2' is not a whole number from 3 to 1000"},
        {"hls: { window: 1001 }", "m.yaml:1:8: hls.window: '1001' is not a whole number"},
        {"hls: { always: 1 }", "m.yaml:1:8: hls.always: '1' is not true or false"},
        {"log: { level: loud }", "m.yaml:1:8: log.level: 'loud' is not debug, info, warning or error"},
        {"open: yes", "m.yaml:1:1: open: 'yes' is not true or false"},
        {"http: { cors: https://a.example }",
         "m.yaml:1:9: http.cors: 'https://a.example' is not \"*\" or a list"},
        {"http: { cors: [ \"*\" ] }", "m.yaml:1:17: http.cors[0]: '*' is not an origin"},
        {"http: { cors: [ \"https://a/b\" ] }", "m.yaml:1:17: http.cors[0]: 'https://a/b' is not an origin"},
        {"streams:\n  \"live/*.flv\": {}",
         "m.yaml:2:3: streams.live/*.flv: no segment of a stream name ends in"},
        {"streams: { a: { records: true } }", "m.yaml:1:17: streams.a.records: unknown key"},
        {"streams: { a: { source: \"vfl2:/dev/video0\" } }",
         "m.yaml:1:17: streams.a.source: this node has no sources of the kind 'vfl2:'; wanted is a source: "
         "test:,"},
        {"streams: { \"a/*\": { source: \"test:\" } }",
         "m.yaml:1:21: streams.a/*.source: a source needs the name of one stream, without '*'"},
        {"streams: { a: { hls: { part: 1s } } }",
         "m.yaml:1:24: streams.a.hls.part: unknown key; a stream's hls has segment, window and always"},
        {"streams: { a: { hls: { window: 2 } } }", "m.yaml:1:24: streams.a.hls.window: '2' is not a whole"},
        {"streams: { a: 1 }", "m.yaml:1:12: streams.a: '1' is not a map"},
        {"streams: [ a ]", "m.yaml:1:1: streams: a list is written here; wanted is a map"},
        {"tls: { certificate: c.pem }", "m.yaml:1:8: tls.certificate: needs tls.key beside it"},
        {"tls: { key: k.pem }", "m.yaml:1:8: tls.key: needs tls.certificate beside it"},
        {"https: { listen: 0.0.0.0:1 }",
         "m.yaml:1:10: https.listen: an address with TLS needs tls.certificate"},
        {"http: { hosts: [ \"a:80\" ] }", "m.yaml:1:18: http.hosts[0]: 'a:80' is not a host's name"},
        {"http: { hosts: a }", "m.yaml:1:9: http.hosts: 'a' is not a list"},
        {"http: { trusted_proxies: [ 10.0.0.1/8 ] }",
         "m.yaml:1:28: http.trusted_proxies[0]: '10.0.0.1/8' is not an IP address or a block"},
        {"log: { format: xml }", "m.yaml:1:8: log.format: 'xml' is not text or json"},
        {"storage: { path: [] }", "m.yaml:1:12: storage.path: a list is written here"},
        {"storage: { keep: { weeks: 1 } }", "m.yaml:1:20: storage.keep.weeks: unknown key; keep has days"},
        {"storage: { keep: { days: -1 } }", "m.yaml:1:20: storage.keep.days: '-1' is not a whole"},
        {"tls: { key: \"a\\0b\" }", "m.yaml:1:8: tls.key: 'a\\x00b' is not the path"},
    };
    for (const auto& row : rows) {
        const std::string error = file_error(row.text);
        EXPECT_EQ(error.substr(0, row.error.size()), row.error) << row.text << "\n" << error;
    }
}

TEST(Configuration, errors_in_yaml_itself_name_their_place) {
    const std::vector<Row> rows{
        {"a: b: c", "m.yaml:1:5: not YAML: illegal map value"},
        {"http: {", "m.yaml:1:1: not YAML: end of map flow not found"},
        {"grace: 1s\ngrace: 2s", "m.yaml:2:1: grace: this key stands here a second time"},
        {"http: &a {}", "m.yaml:1:7: anchors (&name) are not used here"},
        {"http: *a", "m.yaml:1:7: not YAML: the referenced anchor is not defined"},
        {"grace: !!str 1s", "m.yaml:1:8: tags (!name) are not used here"},
        {"grace: 1s\n---\ngrace: 2s", "m.yaml:2:1: a second document"},
        {"? [a]\n: b", "m.yaml:1:3: a key is plain text"},
        {std::string(100, '[') + std::string(100, ']'), "m.yaml:1:17: nested too deeply"},
        {std::string(100000, '['), "m.yaml:1:1: a key is plain text, or a bracket is not closed"},
        {std::string((1U << 20U) + 1, ' '), "m.yaml: larger than 1 MiB"},
    };
    for (const auto& row : rows) {
        const std::string error = file_error(row.text);
        EXPECT_EQ(error.substr(0, row.error.size()), row.error) << row.text.substr(0, 80);
    }
    EXPECT_NE(file_error("http:\n  listen: [::]:8080").find("needs quotes"), std::string::npos);
}

TEST(Configuration, errors_name_the_variable_or_the_option) {
    ConfigurationSources sources;
    sources.environment = {"MILLRACE_HTTP_LISTEN=here"};
    EXPECT_TRUE(error_of(sources).starts_with(
        "environment variable MILLRACE_HTTP_LISTEN: http.listen: 'here' is not"));
    const std::vector<Row> rows{
        {"grace", "--set grace: wanted is KEY=VALUE"},
        {"graze=1s", "--set: graze: unknown key; did you mean grace?"},
        {"grace=", "--set: grace: '' is not a duration"},
        {"http.cors=[", "--set:1:1: a key is plain text, or a bracket is not closed"},
        {"https.listen=0.0.0.0:1", "--set: https.listen: an address with TLS needs"},
    };
    for (const auto& row : rows) {
        sources = {};
        sources.sets = {row.text};
        const std::string error = error_of(sources);
        EXPECT_EQ(error.substr(0, row.error.size()), row.error) << row.text;
    }
}

TEST(Configuration, a_file_that_cannot_be_read_is_named) {
    EXPECT_THROW((void)read_configuration_file("/nowhere/m.yaml"), ConfigurationError);
    EXPECT_THROW((void)read_configuration_file("/"), ConfigurationError);
}

/// The repository holds the build folder, and that the test program.
std::filesystem::path repository() {
    for (auto folder = std::filesystem::read_symlink("/proc/self/exe"); folder != folder.root_path();
         folder = folder.parent_path()) {
        if (std::filesystem::exists(folder / "docs/guide/configuration.md")) {
            return folder;
        }
    }
    return {};
}

TEST(Configuration, the_guide_lists_exactly_the_keys_there_are) {
    std::ifstream file{repository() / "docs/guide/configuration.md"};
    ASSERT_TRUE(file.is_open());
    std::string written;
    for (std::string line; std::getline(file, line) && line != "## Changes while it runs";) {
        written += line.starts_with("| `") ? line + "\n" : "";
    }
    std::string known;
    for (const auto& key : configuration_keys()) {
        const std::string fallback = key.fallback.empty() ? "" : fmt::format("`{}`", key.fallback);
        known += fmt::format("| `{}` | {} | {} | {} |\n", key.name, key.type, fallback, key.help);
    }
    EXPECT_EQ(written, known);
}

}   // namespace
}   // namespace millrace::control
