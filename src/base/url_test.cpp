#include "base/url.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Url, is_taken_apart_and_its_target_kept_byte_for_byte) {
    const auto url = parse_url("HTTP://admin:p%40ss:word@Cam-1.example:8080//a/%2e/b.cgi?x=1&y='z'#fps=2");
    ASSERT_TRUE(url) << url.error().what;
    EXPECT_EQ(url->scheme, "http");
    EXPECT_EQ(url->user, "admin");
    EXPECT_EQ(url->password, "p@ss:word");
    EXPECT_EQ(url->host, "cam-1.example");
    EXPECT_EQ(url->port, 8080);
    EXPECT_EQ(url->target, "//a/%2e/b.cgi?x=1&y='z'");
    EXPECT_EQ(url->fragment, "fps=2");
    EXPECT_EQ(url->authority(), "cam-1.example:8080");
}

TEST(Url, has_the_port_of_its_scheme_and_a_path) {
    const struct {
        std::string_view text;
        std::string_view host;
        std::uint16_t port;
        std::string_view target;
        std::string_view authority;
    } cases[] = {
        {"http://h", "h", 80, "/", "h"},
        {"https://h?a", "h", 443, "/?a", "h"},
        {"rtsp://h/user=a_password='b'_channel=1.sdp", "h", 554, "/user=a_password='b'_channel=1.sdp", "h"},
        {"http://[2001:db8::1]:81/", "2001:db8::1", 81, "/", "[2001:db8::1]:81"},
        {"http://[2001:db8::1]", "2001:db8::1", 80, "/", "[2001:db8::1]"},
        {"http://192.0.2.1/", "192.0.2.1", 80, "/", "192.0.2.1"},
    };
    for (const auto& one : cases) {
        const auto url = parse_url(one.text);
        ASSERT_TRUE(url) << one.text << ": " << url.error().what;
        EXPECT_EQ(url->host, one.host);
        EXPECT_EQ(url->port, one.port);
        EXPECT_EQ(url->target, one.target);
        EXPECT_EQ(url->authority(), one.authority);
    }
}

TEST(Url, case_82_the_host_is_behind_the_last_at_sign) {
    const auto url = parse_url("http://camera.example@127.0.0.1/");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "127.0.0.1");
    EXPECT_EQ(url->user, "camera.example");
    EXPECT_EQ(parse_url("http://a:b@c@d/")->host, "d");
    EXPECT_EQ(parse_url("http://:token@d/")->password, "token");
}

TEST(Url, case_82_refuses_what_could_be_read_in_two_ways) {
    for (const std::string_view text : {"http://2130706433/",
                                        "http://0x7f000001/",
                                        "http://0177.0.0.1/",
                                        "http://127.1/",
                                        "http://0x7f.1/",
                                        "http://127.0.0.1./",
                                        "http://0x7F000001./",
                                        "http://1.2.3.4.5/",
                                        "http://256.0.0.1/",
                                        "http://h\\@x/",
                                        "http://h /",
                                        "http://h\r\nX: y/",
                                        "http:///path",
                                        "http://",
                                        "http:/h",
                                        "h/path",
                                        "http://h:0/",
                                        "http://h:65536/",
                                        "http://h:/",
                                        "http://h:1a/",
                                        "http://[::1/",
                                        "http://[h]/",
                                        "http://[fe80::1%25eth0]/",
                                        "http://::1/",
                                        "http://u%0d%0a@h/",
                                        "http://u%zz@h/",
                                        "gopher://h/",
                                        "://h",
                                        "http://h%2e/",
                                        "http://h\x7F/",
                                        "http://\xC3\xA4/",
                                        "1http://h/"}) {
        EXPECT_FALSE(parse_url(text)) << text;
    }
    EXPECT_FALSE(parse_url("http://" + std::string(254, 'a') + "/"));
    EXPECT_FALSE(parse_url("http://h/" + std::string(Url::size_max, 'a')));
}

TEST(Url, a_redirection_keeps_the_password_at_home) {
    const Url base = *parse_url("http://u:p@h:81/a/b.cgi?x=1");
    const struct {
        std::string_view reference;
        std::string_view host;
        std::string_view target;
        bool has_user;
    } cases[] = {
        {"/c", "h", "/c", true},
        {"c?d", "h", "/a/c?d", true},
        {"?d", "h", "/a/b.cgi?d", true},
        {"http://h:81/e", "h", "/e", true},
        {"http://h/e", "h", "/e", false},
        {"https://h:81/e", "h", "/e", false},
        {"//other/e", "other", "/e", false},
        {"http://other/", "other", "/", false},
        {"/c?to=http://other/", "h", "/c?to=http://other/", true},
        {"../c", "h", "/c", true},
        {"./c/../d?x=/../y", "h", "/a/d?x=/../y", true},
        {"../../../c/..", "h", "/", true},
        {"/c/.", "h", "/c/", true},
        {"..c//d", "h", "/a/..c//d", true},
    };
    for (const auto& one : cases) {
        const auto url = resolve_url(base, one.reference);
        ASSERT_TRUE(url) << one.reference;
        EXPECT_EQ(url->host, one.host) << one.reference;
        EXPECT_EQ(url->target, one.target) << one.reference;
        EXPECT_EQ(url->has_user, one.has_user) << one.reference;
        EXPECT_EQ(url->password, one.has_user ? "p" : "") << one.reference;
    }
    EXPECT_FALSE(resolve_url(base, ""));
    EXPECT_FALSE(resolve_url(base, "file:/etc/passwd"));
    EXPECT_FALSE(resolve_url(base, "gopher://h/"));
}

TEST(Url, proofs_go_into_the_query_of_protocols_without_a_place_for_them) {
    const auto query = [](std::string_view text) { return query_with_proof(*parse_url(text)); };
    EXPECT_EQ(query("kcp://h/live/cam"), "");
    EXPECT_EQ(query("kcp://h/live/cam?a=b"), "a=b");
    EXPECT_EQ(query("kcp://me:s%26t@h/live/cam"), "user=me&pass=s%26t");
    EXPECT_EQ(query("kcp://:t@h/live/cam?a=b"), "a=b&token=t");
    EXPECT_EQ(parse_url("kcp://h/live/cam")->port, 8910);
}

}   // namespace
}   // namespace millrace
