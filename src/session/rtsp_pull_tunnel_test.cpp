#include "session/rtsp_pull.hpp"

#include "session/rtsp_pull_for_tests.hpp"

namespace millrace::session {
namespace {

using toys::CameraNature;
using toys::last_words;
using toys::PlayedCamera;
using toys::PlayedServer;

constexpr std::string_view welcome = "HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n";

/// A camera that is reached through HTTP.
class RtspPullTunnel : public toys::RtspPullTest {
protected:
    void start_by_http(std::string source = "rtsp://camera.example/live") {
        start(std::move(source), SourceTransport::http);
    }
    /// What the next connection asks.
    std::string next_request() {
        for (int waited = 0; connector_.asked == answered_ && waited < 60; ++waited) {
            world_.time.run_for(1s);
        }
        EXPECT_EQ(connector_.asked, ++answered_);
        server().hear();
        return std::exchange(server().heard, {});
    }
    void say_now(std::string_view text) {
        server().say(text);
        world_.time.settle();
    }
    /// The next tunnel, to such a camera; it says this behind the head of the GET's answer.
    PlayedCamera& dig(CameraNature nature = {}, std::string_view behind = {}) {
        get_ = next_request();
        camera_ = std::make_unique<PlayedCamera>(connector_, far_side_, std::move(nature));
        say_now(std::string{welcome} + std::string{behind});
        post_ = next_request();
        const std::size_t end = post_.find("\r\n\r\n") + 4;
        server().heard = post_.substr(end);
        post_.resize(end);
        camera_->post = connector_.servers.size() - 1;
        tend();
        return *camera_;
    }
    PlayedServer& post() { return connector_.servers.at(*camera_->post); }

    std::string get_;
    std::string post_;
};

TEST_F(RtspPullTunnel, case_30_plays_through_a_get_and_a_post_and_says_farewell_there) {
    start_by_http("rtsp://me:secret@camera.example:8080//Streaming/Channels/1?a=b");
    const PlayedCamera& camera = dig({.audio = media::Codec::pcmu, .password = "secret"});
    EXPECT_TRUE(get_.starts_with("GET //Streaming/Channels/1?a=b HTTP/1.0\r\n")) << get_;
    EXPECT_TRUE(post_.starts_with("POST //Streaming/Channels/1?a=b HTTP/1.0\r\n")) << post_;
    EXPECT_EQ(camera_->far().dial.to.text(), "camera.example:8080");
    EXPECT_EQ(post().dial.to.text(), "camera.example:8080");
    EXPECT_TRUE(camera.playing());
    EXPECT_NE(camera.heard.find("DESCRIBE rtsp://camera.example:8080//Streaming/Channels/1?a=b RTSP/1.0\r\n"),
              std::string::npos);
    EXPECT_NE(camera.heard.find("RTP/AVP/TCP"), std::string::npos);
    show(3);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().units_in, 3U * (4 + 8));
    EXPECT_EQ(report().units_dropped, 0U);
    stop();
    tend();
    EXPECT_NE(camera.heard.find("TEARDOWN rtsp://camera.example:8080"), std::string::npos);
    EXPECT_TRUE(camera_->far().is_left());
    EXPECT_TRUE(post().is_left());
    EXPECT_EQ(connector_.asked, 2);
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(RtspPullTunnel, of_rtsps_both_connections_are_secured) {
    start_by_http("rtsps://camera.example/live");
    dig();
    EXPECT_TRUE(camera_->far().dial.tls);
    EXPECT_TRUE(post().dial.tls);
}

TEST_F(RtspPullTunnel, what_the_camera_says_at_once_is_heard) {
    start_by_http();
    EXPECT_NE(dig({}, "OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n").heard.find("RTSP/1.0 200 OK\r\nCSeq: 77\r\n"),
              std::string::npos);
    show(1);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtspPullTunnel, proves_itself_over_http_on_a_connection_of_its_own) {
    start_by_http("rtsp://me:secret@camera.example/live");
    EXPECT_EQ(next_request().find("Authorization"), std::string::npos);
    say_now("HTTP/1.0 401 No\r\nWWW-Authenticate: Digest realm=\"c\", nonce=\"n\"\r\n\r\n");
    EXPECT_TRUE(connector_.servers.at(0).is_left());
    dig();
    EXPECT_NE(get_.find("Authorization: Digest username=\"me\""), std::string::npos) << get_;
    EXPECT_NE(post_.find("Authorization: Digest username=\"me\""), std::string::npos) << post_;
    show(1);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtspPullTunnel, case_30_a_refusal_is_said_in_words_and_tried_again) {
    start_by_http();
    const std::map<std::string_view, std::string_view> refusals{
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
         "the camera answers 404: no RTSP is spoken over HTTP there"},
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
         "a web server answers, and no tunnel of RTSP"},
        {"HTTP/1.0 401 No\r\nWWW-Authenticate: Basic realm=\"c\"\r\n\r\n",
         "the camera answers 401: over HTTP another user or password is wanted"},
        {"RTSP/1.0 400 Bad Request\r\n\r\n", "the answer does not begin as HTTP/1 does"}};
    for (const auto& [answer, words] : refusals) {
        next_request();
        const std::size_t at = connector_.servers.size() - 1;
        say_now(answer);
        EXPECT_EQ(last_words, words);
        EXPECT_TRUE(connector_.servers.at(at).is_left());
    }
    next_request();
    server().connection->close();
    world_.time.settle();
    EXPECT_EQ(last_words, "the peer closed the connection");
    next_request();
    world_.time.run_for(10'100ms);
    EXPECT_EQ(last_words, "over HTTP nothing is answered");
    dig();
    show(1);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtspPullTunnel, a_post_that_is_refused_or_closed_ends_the_tunnel) {
    start_by_http();
    next_request();
    say_now(welcome);
    next_request();
    say_now("HTTP/1.0 400 Bad");
    EXPECT_FALSE(connector_.servers.at(0).is_left());
    say_now(" Request\r\n\r\n");
    EXPECT_EQ(last_words, "the POST of the tunnel was refused");
    EXPECT_TRUE(connector_.servers.at(0).is_left());
    dig();
    post().say("HTTP/1.0 200 OK\r\n\r\n");
    show(1);
    EXPECT_EQ(state(), "live") << "some servers answer at once";
    post().connection->close();
    world_.time.settle();
    EXPECT_EQ(last_words, "the POST of the tunnel was closed");
    dig();
    show(1);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtspPullTunnel, a_get_that_is_closed_in_the_middle_of_a_frame_is_dug_again) {
    start_by_http();
    dig();
    show(2);
    camera_->far().say(std::string_view{"$\0\1\0half", 8});
    camera_->far().connection->close();
    world_.time.settle();
    EXPECT_TRUE(post().is_left());
    dig();
    show(1);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().units_in, 12U) << "the same stream goes on";
}

TEST_F(RtspPullTunnel, one_that_is_stopped_while_it_waits_for_an_answer_is_gone) {
    start_by_http();
    next_request();
    stop();
    world_.time.settle();
    EXPECT_TRUE(server().is_left());
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

}   // namespace
}   // namespace millrace::session
