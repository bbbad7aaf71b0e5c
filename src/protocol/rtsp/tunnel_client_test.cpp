#include "protocol/rtsp/tunnel_client.hpp"

#include <gtest/gtest.h>

namespace millrace::rtsp {
namespace {

using Heard = TunnelClient::Heard;

constexpr std::string_view welcome =
    "HTTP/1.0 200 OK\r\nServer: s\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n";

Url url_of(std::string_view text) {
    return *parse_url(text);
}

std::string field_of(std::string_view head, std::string_view name) {
    const std::size_t at = head.find(std::string{"\r\n"} + std::string{name} + ": ");
    const std::size_t begin = at + name.size() + 4;
    return at == std::string_view::npos ? std::string{}
                                        : std::string{head.substr(begin, head.find('\r', begin) - begin)};
}

struct Tunnel {
    explicit Tunnel(std::string_view url) : client{url_of(url), random} {}
    Errc refused_with(std::string_view answer) {
        client.get();
        const Result<Heard> heard = client.receive(as_bytes(answer));
        return heard ? Errc::would_block : heard.error().code;
    }
    SeededRandom random{7};
    TunnelClient client;
};

TEST(TunnelClient, asks_for_the_path_as_it_is_written_by_two_requests_with_one_cookie) {
    Tunnel tunnel{"rtsp://me:secret@cam.example:8554//live/1?a='b'"};
    const std::string get = tunnel.client.get();
    EXPECT_TRUE(get.starts_with("GET //live/1?a='b' HTTP/1.0\r\n")) << get;
    EXPECT_EQ(field_of(get, "Host"), "cam.example:8554");
    EXPECT_EQ(field_of(get, "Accept"), "application/x-rtsp-tunnelled");
    EXPECT_TRUE(get.ends_with("\r\n\r\n"));
    EXPECT_EQ(field_of(get, "Authorization"), "") << "nobody asked";
    const std::string post = tunnel.client.post();
    EXPECT_TRUE(post.starts_with("POST //live/1?a='b' HTTP/1.0\r\n")) << post;
    EXPECT_EQ(field_of(post, "Content-Type"), "application/x-rtsp-tunnelled");
    EXPECT_EQ(field_of(post, "Content-Length"), "32767");
    EXPECT_EQ(field_of(get, "x-sessioncookie"), field_of(post, "x-sessioncookie"));
    EXPECT_GE(field_of(get, "x-sessioncookie").size(), 22U);
    TunnelClient other{url_of("rtsp://cam.example/"), tunnel.random};
    EXPECT_NE(field_of(other.get(), "x-sessioncookie"), field_of(get, "x-sessioncookie"));
}

TEST(TunnelClient, is_open_behind_the_head_cut_at_every_byte) {
    const std::string answer = std::string{welcome} + "RTSP/1.0 200 OK\r\n";
    for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
        Tunnel tunnel{"rtsp://cam.example/"};
        tunnel.client.get();
        Result<Heard> heard = tunnel.client.receive(as_bytes(std::string_view{answer}.substr(0, cut)));
        ASSERT_TRUE(heard);
        if (*heard == Heard::part) {
            EXPECT_LT(cut, welcome.size());
            heard = tunnel.client.receive(as_bytes(std::string_view{answer}.substr(cut)));
            ASSERT_TRUE(heard);
            EXPECT_EQ(as_text(tunnel.client.behind()), "RTSP/1.0 200 OK\r\n");
        }
        EXPECT_EQ(*heard, Heard::open);
        EXPECT_EQ(tunnel.client.status(), 200);
    }
}

TEST(TunnelClient, takes_answers_as_devices_write_them) {
    for (const std::string_view answer :
         {"HTTP/1.1 200\r\n\r\n", "HTTP/1.0 200 OK\n\n",
          "HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp\r\n\r\n",
          "HTTP/1.1 200 OK\r\ncontent-type: Application/X-RTSP-Tunneled; x=y\r\nContent-Length: 5\r\n\r\n"}) {
        Tunnel tunnel{"rtsp://cam.example/"};
        tunnel.client.get();
        const Result<Heard> heard = tunnel.client.receive(as_bytes(answer));
        ASSERT_TRUE(heard) << answer;
        EXPECT_EQ(*heard, Heard::open) << answer;
    }
}

TEST(TunnelClient, says_what_is_no_tunnel) {
    Tunnel tunnel{"rtsp://cam.example/"};
    EXPECT_EQ(tunnel.refused_with("HTTP/1.0 404 Not Found\r\n\r\n"), Errc::not_found);
    EXPECT_EQ(tunnel.client.status(), 404);
    EXPECT_EQ(tunnel.refused_with("HTTP/1.0 503 Busy\r\n\r\n"), Errc::refused);
    EXPECT_EQ(tunnel.refused_with("HTTP/1.0 302 Found\r\nLocation: http://x/\r\n\r\n"), Errc::refused);
    EXPECT_EQ(tunnel.refused_with("HTTP/1.0 403 No\r\n\r\n"), Errc::unauthenticated);
    EXPECT_EQ(tunnel.refused_with("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"),
              Errc::unsupported);
    EXPECT_EQ(tunnel.refused_with("RTSP/1.0 400 Bad Request\r\n\r\n"), Errc::malformed);
    EXPECT_EQ(tunnel.refused_with(std::string(TunnelAnswer::head_size_max, 'a')), Errc::exhausted);
}

TEST(TunnelClient, proves_itself_by_digest_or_basic_once_it_is_asked) {
    constexpr std::string_view digest =
        "HTTP/1.0 401 No\r\nWWW-Authenticate: Basic realm=\"c\"\r\n"
        "WWW-Authenticate: Digest realm=\"c\", nonce=\"n\", qop=\"auth\"\r\n\r\n";
    Tunnel tunnel{"rtsp://me:secret@cam.example/live"};
    tunnel.client.get();
    EXPECT_EQ(*tunnel.client.receive(as_bytes(digest)), Heard::again);
    const auto proves_it = [](const std::string& head, std::string_view method) {
        const auto said = read_credentials(field_of(head, "Authorization"));
        return said && said->uri == "/live" &&
               proves(*said, digest_secret(said->algorithm, "me", "c", "secret"), method);
    };
    EXPECT_TRUE(proves_it(tunnel.client.get(), "GET"));
    EXPECT_EQ(*tunnel.client.receive(as_bytes(welcome)), Heard::open);
    EXPECT_TRUE(proves_it(tunnel.client.post(), "POST"));

    Tunnel basic{"rtsp://me:secret@cam.example/live"};
    basic.client.get();
    constexpr std::string_view wants = "HTTP/1.0 401 No\r\nWWW-Authenticate: Basic realm=\"c\"\r\n\r\n";
    EXPECT_EQ(*basic.client.receive(as_bytes(wants)), Heard::again);
    EXPECT_EQ(field_of(basic.client.get(), "Authorization"), "Basic bWU6c2VjcmV0");
    const Result<Heard> refused = basic.client.receive(as_bytes(wants));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unauthenticated) << "it was the wrong one";

    Tunnel nobody{"rtsp://cam.example/live"};
    EXPECT_EQ(nobody.refused_with(wants), Errc::unauthenticated);
}

}   // namespace
}   // namespace millrace::rtsp
