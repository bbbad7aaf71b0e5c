#include "session/rtsp_tunnel.hpp"

#include "base/base64.hpp"
#include "session/http_serve.hpp"
#include "session/rtsp_peers_for_tests.hpp"

namespace millrace::session {
namespace {

using toys::RtspCamera;
using toys::RtspTalker;
using toys::RtspWorld;

std::string opening(std::string_view method, std::string_view cookie) {
    return fmt::format("{} /live/cam HTTP/1.0\r\nx-sessioncookie: {}\r\n{}\r\n", method, cookie,
                       method == "POST" ? "Content-Length: 32767\r\n" : "");
}

struct TunnelWorld : RtspWorld {
    RtspTunnels tunnels{server};
    std::vector<web::Route> routes;
    TunnelWorld() { desk.tunnels = &tunnels; }
    TunnelWorld(const TunnelWorld&) = delete;
    TunnelWorld& operator=(const TunnelWorld&) = delete;
    ~TunnelWorld() { world.time.stop(); }

    std::unique_ptr<Connection> connect_http() {
        auto [ours, theirs] =
            virtual_connection(clients, server, {.window = 1U << 20U}, {.window = 1U << 20U});
        server.run([&, connection = std::move(theirs)]() mutable {
            server.tasks().spawn(http_serve(desk, std::move(connection), routes));
        });
        world.time.settle();
        return std::move(ours);
    }
};

std::string in_base64(std::string_view text) {
    return encode_base64(as_bytes(text));
}

TEST(RtspTunnel, answers_on_the_get_what_the_post_says_cut_anywhere) {
    TunnelWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    RtspTalker get{scene};
    get.send(opening("GET", "one"));
    EXPECT_TRUE(get.hear().starts_with("HTTP/1.0 200 OK\r\n"));
    RtspTalker post{scene};
    const std::string describe = in_base64("DESCRIBE rtsp://h/live/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    for (const char c : opening("POST", "one") + describe) {
        post.send(std::string_view{&c, 1});
    }
    EXPECT_TRUE(get.hear().starts_with("RTSP/1.0 200 OK\r\nCSeq: 1\r\n"));
    post.send(
        in_base64("SETUP rtsp://h/live/cam/trackID=0 RTSP/1.0\r\nCSeq: 2\r\n"
                  "Transport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"));
    const std::string set_up = get.hear();
    ASSERT_TRUE(set_up.starts_with("RTSP/1.0 200 OK\r\nCSeq: 2\r\n")) << set_up;
    const std::string session = set_up.substr(set_up.find("Session: ") + 9, 16);
    post.send(
        in_base64(fmt::format("PLAY rtsp://h/live/cam RTSP/1.0\r\nCSeq: 3\r\nSession: {}\r\n\r\n", session)));
    EXPECT_NE(get.hear().find('$'), std::string::npos);
    EXPECT_EQ(scene.desk.fan_out.viewers(), 1U);
    // The fan-out has the GET now; what the POST says still comes to it.
    post.send(in_base64(
        fmt::format("TEARDOWN rtsp://h/live/cam RTSP/1.0\r\nCSeq: 4\r\nSession: {}\r\n\r\n", session)));
    scene.run_for(1s);
    EXPECT_NE(get.hear().find("CSeq: 4"), std::string::npos);
    EXPECT_EQ(scene.desk.fan_out.viewers(), 0U);
    scene.run_for(6s);
    post.hear();
    EXPECT_TRUE(post.closed) << "its GET is gone";
    EXPECT_EQ(scene.server.tasks().size(), 1U) << "the camera's";
    EXPECT_EQ(scene.let_in, 3U) << "the camera, GET and POST";
}

TEST(RtspTunnel, is_dug_through_a_port_of_http_too) {
    TunnelWorld scene;
    scene.desk.settings = std::make_shared<const Settings>(Settings{.rtsp_over_http = true});
    scene.desk.rtsp_tunnel = [&](const web::Request& request) {
        return rtsp_tunnel_answer(scene.desk, request);
    };
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    RtspTalker get{scene, scene.connect_http()};
    get.send("GET /live/cam HTTP/1.1\r\nHost: h\r\nx-sessioncookie: one\r\n\r\n");
    EXPECT_TRUE(get.hear().starts_with("HTTP/1.0 200 OK\r\n"));
    RtspTalker post{scene, scene.connect_http()};
    post.send("POST /live/cam HTTP/1.1\r\nHost: h\r\nx-sessioncookie: one\r\nContent-Length: 32767\r\n\r\n" +
              in_base64("DESCRIBE rtsp://h/live/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n"));
    EXPECT_TRUE(get.hear().starts_with("RTSP/1.0 200 OK\r\nCSeq: 1\r\n"));
    RtspTalker early{scene, scene.connect_http()};
    early.send("POST / HTTP/1.1\r\nHost: h\r\nx-sessioncookie: two\r\nContent-Length: 32767\r\n\r\nAAAA");
    EXPECT_TRUE(early.hear().starts_with("HTTP/1.0 400 "));
    scene.desk.settings = std::make_shared<const Settings>();
    RtspTalker closed{scene, scene.connect_http()};
    closed.send("POST / HTTP/1.1\r\nHost: h\r\nx-sessioncookie: one\r\nContent-Length: 32767\r\n\r\nAAAA");
    EXPECT_TRUE(closed.hear().starts_with("HTTP/1.1 404 ")) << "no RTSP is spoken here";
    scene.run_for(2s);
    closed.hear();
    EXPECT_TRUE(closed.closed) << "what follows is no request";
}

TEST(RtspTunnel, case_30_refuses_what_is_dug_from_the_wrong_end) {
    TunnelWorld scene;
    const auto refused = [&](std::string_view text) {
        RtspTalker talker{scene};
        talker.send(text);
        const std::string answer = talker.hear();
        return answer.starts_with("HTTP/1.0 400 ") && talker.closed;
    };
    EXPECT_TRUE(refused(opening("POST", "early")));
    EXPECT_TRUE(refused("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(refused(opening("GET", std::string(300, 'c'))));
    EXPECT_TRUE(refused(opening("GET", "both") + opening("POST", "both")));
    EXPECT_TRUE(refused("GET /" + std::string(20'000, 'a')));
    RtspTalker get{scene};
    get.send(opening("GET", "one"));
    EXPECT_TRUE(refused(opening("GET", "one"))) << "the cookie is taken";
    get.hear();
    get.send(opening("POST", "one"));   // on the connection of the GET
    get.hear();
    EXPECT_TRUE(get.closed);
    scene.run_for(1s);
    EXPECT_FALSE(refused(opening("GET", "one"))) << "the cookie is free again";
}

TEST(RtspTunnel, a_post_that_is_no_base64_ends_alone) {
    TunnelWorld scene;
    RtspTalker get{scene};
    get.send(opening("GET", "one"));
    get.hear();
    RtspTalker post{scene};
    post.send(opening("POST", "one") + "!!!!!!");
    post.hear();
    EXPECT_TRUE(post.closed);
    RtspTalker again{scene};
    again.send(opening("POST", "one") + in_base64("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"));
    EXPECT_TRUE(get.hear().starts_with("RTSP/1.0 200 OK"));
}

TEST(Base64Stream, reads_groups_that_are_padded_and_cut_anywhere) {
    const std::string text = in_base64("OPTIONS") + "\r\n" + in_base64(" * RTSP");
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Base64Stream stream;
        std::vector<std::byte> out;
        EXPECT_TRUE(stream.decode(as_bytes(std::string_view{text}.substr(0, cut)), out));
        EXPECT_TRUE(stream.decode(as_bytes(std::string_view{text}.substr(cut)), out));
        EXPECT_EQ(as_text(out), "OPTIONS * RTSP");
    }
}

}   // namespace
}   // namespace millrace::session
