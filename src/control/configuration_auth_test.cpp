#include "control/configuration.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

Configuration load(std::string text) {
    return load_configuration({.file_name = "m.yaml", .file_text = std::move(text)});
}

std::string file_error(std::string text) {
    try {
        (void)load(std::move(text));
    } catch (const ConfigurationError& error) {
        return error.what();
    }
    return "no error";
}

TEST(ConfigurationAuth, errors_name_place_key_and_what_would_be_right) {
    struct Row {
        std::string text;
        std::string_view error;   // how it begins
    };
    const std::vector<Row> rows{
        {"auth: { users: [ { allow: [] } ] }", "m.yaml:1:18: auth.users[0]: a user needs a name"},
        {"auth: { users: [ { name: a, pass: b } ] }",
         "m.yaml:1:29: auth.users[0].pass: unknown key; a user has"},
        {"auth: { users: [ { name: a b } ] }",
         "m.yaml:1:20: auth.users[0].name: 'a b' is not a name of 1 to 64"},
        {"auth: { users: [ {name: a}, {name: a} ] }",
         "m.yaml:1:29: auth.users[1]: there are two users of the name"},
        {"auth: { users: [ {name: a, allow: [ play ]} ] }",
         "m.yaml:1:37: auth.users[0].allow[0]: 'play' is not ACTION"},
        {"auth: { users: [ {name: a, allow: [ \"watch:x\" ]} ] }",
         "m.yaml:1:37: auth.users[0].allow[0]: 'watch:x'"},
        {"auth: { users: [ {name: a, allow: [ \"play:\" ]} ] }",
         "m.yaml:1:37: auth.users[0].allow[0]: a stream name is"},
        {"auth: { users: [ {name: a, digest: 0123} ] }",
         "m.yaml:1:28: auth.users[0].digest: wanted is { md5: "},
        {"auth: { users: [ {name: a, digest: { md5: \"0123\" }} ] }",
         "m.yaml:1:38: auth.users[0].digest.md5: wanted are the lower-case digits"},
        {"auth: { users: [ {name: a, digest: { sha1: x }} ] }",
         "m.yaml:1:38: auth.users[0].digest.sha1: unknown key; a user's digest has md5 and sha256"},
        {"auth: { tokens: [ { name: a } ] }", "m.yaml:1:19: auth.tokens[0]: a token needs a name and sha256"},
        {"auth: { tokens: [ { sha256: secret } ] }",
         "m.yaml:1:21: auth.tokens[0].sha256: wanted is the SHA-256 of the token as 64 hex"},
        {"auth: { tokens: [ { expires: tomorrow } ] }",
         "m.yaml:1:21: auth.tokens[0].expires: 'tomorrow' is not a time such as"},
        {"auth: { tokens: [ { token: a } ] }", "m.yaml:1:21: auth.tokens[0].token: unknown key; a token has"},
    };
    for (const auto& row : rows) {
        const std::string error = file_error(row.text);
        EXPECT_EQ(error.substr(0, row.error.size()), row.error) << row.text << "\n" << error;
    }
}

constexpr std::string_view two_tokens = R"(
auth:
  tokens:
    - { name: door, sha256: "%A", allow: [ "play:live/*" ], expires: "2027-01-31T12:00:00+01:00" }
    - { name: wall, sha256: "%B" }
)";

std::string with_hashes(std::string a, std::string b) {
    std::string text{two_tokens};
    text.replace(text.find("%A"), 2, a);
    return text.replace(text.find("%B"), 2, b);
}

TEST(Configuration, reads_tokens_hosts_and_proxies) {
    const Configuration c =
        load(with_hashes(std::string(62, '0') + "aF", std::string(64, '1')) +
             "http: { hosts: [ Live.Example.ORG ], trusted_proxies: [ 127.0.0.1, \"2001:db8::/32\" ] }\n"
             "log: { format: json }\nstorage: { path: /var/lib/millrace }");
    ASSERT_EQ(c.tokens.size(), 2U);
    EXPECT_EQ(c.tokens[0].name, "door");
    EXPECT_EQ(c.tokens[0].sha256[31], std::byte{0xAF});
    EXPECT_EQ(c.tokens[0].expires, (WallTime{1'801'393'200'000'000}));
    EXPECT_EQ(c.tokens[0].allow.size(), 1U);
    EXPECT_FALSE(c.tokens[1].expires);
    EXPECT_EQ(c.hosts, std::vector<std::string>{"live.example.org"});
    EXPECT_EQ(c.trusted_proxies.at(1).text(), "2001:db8::/32");
    EXPECT_EQ(c.log_format, log::Format::json);
    EXPECT_EQ(c.storage_path, "/var/lib/millrace");
    EXPECT_TRUE(c.has_auth());
    EXPECT_NE(file_error(with_hashes(std::string(64, '1'), std::string(64, '1'))).find("the same as"),
              std::string::npos);
}

TEST(Configuration, case_69_errors_never_repeat_a_token) {
    const std::string error = file_error("auth: { tokens: [ { name: a, sha256: my-token } ] }");
    EXPECT_EQ(error.find("my-token"), std::string::npos) << error;
}

TEST(Configuration, an_overlay_stands_between_file_and_environment) {
    ConfigurationSources sources{.file_name = "m.yaml", .file_text = R"(
grace: 1s
workers: 1
streams: { a: {}, b: { source: "test:" } }
auth: { users: [ { name: u, allow: [ "play:*" ] }, { name: v } ] }
)"};
    sources.overlay = parse_yaml(R"(
grace: 2s
workers: 2
hls: { window: 7 }
streams: { c: {}, b: { source: "file:x" } }
auth: { users: [ { name: u, allow: [ "admin:*" ] }, { name: w } ] }
)",
                                 "overlay");
    sources.environment = {"MILLRACE_WORKERS=3"};
    const Configuration c = load_configuration(sources);
    EXPECT_EQ(c.grace, 2s);
    EXPECT_EQ(c.workers, 3U);
    ASSERT_EQ(c.streams.size(), 3U);
    EXPECT_EQ(c.streams[0].origin, Origin::file);
    EXPECT_EQ(c.streams[2].source, "file:x");
    EXPECT_EQ(c.streams[2].origin, Origin::overlay);
    ASSERT_EQ(c.users.size(), 3U);
    EXPECT_EQ(c.users[0].name, "v");
    EXPECT_EQ(c.users[1].allow[0].action, hub::Action::admin);
    EXPECT_EQ(c.origins.at("grace"), Origin::overlay);
    EXPECT_EQ(c.origins.at("workers"), Origin::environment);
    EXPECT_EQ(c.origins.at("auth.users"), Origin::file);
    EXPECT_FALSE(c.origins.contains("rtmp.listen"));
    sources.sets = {"auth.users=[]"};
    EXPECT_TRUE(load_configuration(sources).users.empty()) << "another source replaces the list whole";
}

TEST(Configuration, users_of_the_overlay_alone_keep_the_first_administrator) {
    ConfigurationSources sources;
    sources.overlay = parse_yaml("auth: { users: [ { name: u } ] }", "overlay");
    EXPECT_FALSE(load_configuration(sources).has_auth());
    EXPECT_EQ(load_configuration(sources).users.size(), 1U);
}

TEST(Configuration, a_password_in_the_clear_is_refused_and_not_repeated) {
    const std::string error = file_error("auth: { users: [ { name: a, password: hunter2 } ] }");
    EXPECT_NE(error.find("m.yaml:1:29: auth.users[0].password: "), std::string::npos) << error;
    EXPECT_NE(error.find("millrace password"), std::string::npos);
    EXPECT_EQ(error.find("hunter2"), std::string::npos);
}

}   // namespace
}   // namespace millrace::control
