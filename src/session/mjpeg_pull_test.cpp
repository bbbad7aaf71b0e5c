#include "session/mjpeg_pull.hpp"

#include "media/jpeg_for_tests.hpp"
#include "session/pulls_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

using media::jpeg::Sample;

std::string picture(std::uint16_t width = 16) {
    return std::string{as_text(Sample{width}.bytes())};
}

std::string part(const std::string& body, std::string_view more = "") {
    return fmt::format("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n{}\r\n{}\r\n",
                       body.size(), more, body);
}

std::string whole(const std::string& body) {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n{}",
                       body.size(), body);
}

constexpr std::string_view endless =
    "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";

class MjpegPull : public toys::PullTest {
protected:
    void start(std::string source = "http://u:p@camera.example/video") { PullTest::start(std::move(source)); }
    /// Shows a picture each second.
    void show_for(Duration span) {
        for (Duration spent{0}; spent < span; spent += 1s) {
            say(part(picture()));
            world_.time.run_for(1s);
        }
    }
};

TEST_F(MjpegPull, asks_the_server_and_publishes_each_part_as_it_is_whole) {
    start();
    EXPECT_EQ(server().dial.to.text(), "camera.example:80");
    EXPECT_FALSE(server().dial.tls);
    EXPECT_NE(server().hear().find("GET /video HTTP/1.1\r\nHost: camera.example\r\n"), std::string::npos);
    EXPECT_NE(server().heard.find("Authorization: Basic dTpw\r\n"), std::string::npos);
    say(endless);
    EXPECT_EQ(state(), "none") << "nothing was shown yet";
    say(part(picture()));
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().tracks.at(0).track.config->codec, media::Codec::mjpeg);
    EXPECT_EQ(report().tracks.at(0).track.config->width, 16U);
    EXPECT_EQ(report().publisher->protocol, "http");
    say(part(picture()) + part(picture(32)));
    EXPECT_EQ(report().units_in, 3U);
    EXPECT_EQ(report().tracks.at(0).track.config->width, 32U);
}

TEST_F(MjpegPull, row_2_9_pictures_are_timed_by_when_they_came) {
    start();
    say(endless);
    say(part(picture()));
    hub::toys::Viewer viewer{world_, world_.desk_b};
    for (int i = 0; i < 3; ++i) {
        world_.time.run_for(40ms);
        say(part(picture()));
    }
    ASSERT_TRUE(viewer.joined);
    EXPECT_EQ(viewer.read(), "v 0\nv 40\nv 80\nv 120\n");
}

TEST_F(MjpegPull, by_https_the_connection_is_secured) {
    start("https://camera.example:8443/video");
    EXPECT_TRUE(server().dial.tls);
    EXPECT_EQ(server().dial.to.port, 8443);
}

TEST_F(MjpegPull, a_picture_without_boundaries_is_asked_for_again_and_again) {
    start("http://camera.example/snap.jpg?a=b#fps=2");
    say(whole(picture()));
    EXPECT_EQ(state(), "live");
    for (int i = 0; i < 10; ++i) {
        server().heard.clear();
        world_.time.run_for(500ms);
        EXPECT_NE(server().hear().find("GET /snap.jpg?a=b HTTP/1.1"), std::string::npos);
        say(whole(picture()));
    }
    EXPECT_EQ(report().units_in, 11U);
    EXPECT_EQ(connector_.asked, 1) << "the server keeps the connection";
    close();
    world_.time.run_for(500ms);
    EXPECT_EQ(connector_.asked, 2) << "until it closes it";
    say(whole(picture()));
    EXPECT_EQ(report().units_in, 12U);
    EXPECT_EQ(report().jumps, 0U);
}

TEST_F(MjpegPull, a_broken_picture_is_dropped_and_counted) {
    start();
    say(endless);
    say(part(picture()));
    say(part("no picture at all"));
    say(part(picture()));
    EXPECT_EQ(report().units_in, 2U);
    EXPECT_EQ(report().units_dropped, 1U);
    EXPECT_EQ(connector_.asked, 1);
}

TEST_F(MjpegPull, the_servers_word_on_a_pictures_time_is_taken_where_it_can_be_true) {
    start();
    say(endless);
    const double now = static_cast<double>(world_.time.utc().microseconds) / 1e6;
    say(part(picture(), fmt::format("X-Timestamp: {:.6f}\r\n", now - 1)));
    EXPECT_EQ(report().capture_origin, media::CaptureTime::Label::sender);
    say(part(picture(), fmt::format("X-Timestamp: {:.6f}\r\nX-Timestamp-Origin: capture\r\n", now)));
    EXPECT_EQ(report().capture_origin, media::CaptureTime::Label::capture);
    say(part(picture(), "X-Timestamp: 1.5\r\n"));
    EXPECT_EQ(report().capture_origin, media::CaptureTime::Label::arrival);
}

TEST_F(MjpegPull, a_server_that_is_lost_is_asked_again_and_the_stream_goes_on) {
    start();
    say(endless);
    show_for(40s);
    close();
    EXPECT_EQ(state(), "stale");
    world_.time.run_for(source_pause_min);
    ASSERT_EQ(connector_.asked, 2);
    say(endless);
    say(part(picture()));
    EXPECT_EQ(state(), "live");
}

TEST_F(MjpegPull, case_84_a_server_that_never_answers_is_tried_again_at_most_every_5_s_and_by_chance) {
    start();
    world_.time.run_for(10min);
    const int asked = connector_.asked;
    EXPECT_GE(asked, 10 * 60 / 16) << "10 s for the answer, and a pause";
    EXPECT_LE(asked, 10 * 60 / 12);
    connector_.refusal = Error{Errc::refused, "nobody listens at that address and port"};
    world_.time.run_for(10min);
    EXPECT_GE(connector_.asked - asked, 10 * 60 / 5);
    EXPECT_LE(connector_.asked - asked, 10 * 60 * 2 / 5 + 5);
    EXPECT_EQ(state(), "none");
}

TEST_F(MjpegPull, case_84_a_byte_a_minute_or_one_every_nine_seconds_is_no_answer) {
    start();
    say(endless);
    world_.time.run_for(11s);
    EXPECT_TRUE(connector_.servers.at(0).is_left());
    while (connector_.asked < 2) {
        world_.time.run_for(1s);
    }
    say(endless);
    say(part(picture()));
    for (int i = 0; i < 3 && connector_.asked == 2; ++i) {
        say("-");
        world_.time.run_for(9s);
    }
    EXPECT_TRUE(connector_.servers.at(1).is_left());
}

TEST_F(MjpegPull, case_82_a_redirection_is_followed_through_the_same_door) {
    start();
    say("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/other\r\nContent-Length: 0\r\n\r\n");
    ASSERT_EQ(connector_.asked, 2) << "the connector decides whether that is an address for us";
    EXPECT_EQ(server().dial.to.text(), "127.0.0.1:80");
    EXPECT_EQ(server().hear().find("Authorization"), std::string::npos) << "the password stays at home";
    say(endless);
    say(part(picture()));
    EXPECT_EQ(state(), "live");
}

TEST_F(MjpegPull, case_82_redirections_have_an_end_and_stay_with_http) {
    start();
    for (int i = 0; i <= pull_redirects_max; ++i) {
        say("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
    }
    EXPECT_EQ(connector_.asked, 1 + pull_redirects_max);
    for (const std::string_view to :
         {"file:///etc/passwd", "gopher://h/", "ftp://h/", "rtsp://h/", "unix:/x"}) {
        const int asked = connector_.asked;
        while (connector_.asked == asked) {
            world_.time.run_for(1s);
        }
        say(fmt::format("HTTP/1.1 301 Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", to));
        EXPECT_EQ(connector_.asked, asked + 1) << to;
    }
}

TEST_F(MjpegPull, answers_that_are_no_pictures_are_refused) {
    start();
    for (const std::string_view answer :
         {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404 Not Found\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>",
          "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n", "SSH-2.0-x\r\n\r\n"}) {
        const int asked = connector_.asked;
        say(answer);
        EXPECT_TRUE(server().is_left()) << answer;
        while (connector_.asked == asked) {
            world_.time.run_for(1s);
        }
    }
    EXPECT_EQ(state(), "none");
}

TEST_F(MjpegPull, a_server_that_wants_digest_gets_it_and_no_password) {
    start("http://Mufasa:Circle%20of%20Life@camera.example/dir/index.html");
    say("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
        "WWW-Authenticate: Digest realm=\"http-auth@example.org\", qop=\"auth\", algorithm=MD5, "
        "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"abc\"\r\n"
        "Content-Length: 0\r\n\r\n");
    ASSERT_EQ(connector_.asked, 2);
    const std::string& heard = server().hear();
    EXPECT_NE(heard.find("Authorization: Digest "), std::string::npos) << heard;
    EXPECT_NE(heard.find("uri=\"/dir/index.html\""), std::string::npos) << heard;
    EXPECT_NE(heard.find("nc=00000001"), std::string::npos) << heard;
    EXPECT_EQ(heard.find("Basic"), std::string::npos) << heard;
    say(endless);
    say(part(picture()));
    EXPECT_EQ(state(), "live");
}

TEST_F(MjpegPull, a_wrong_digest_password_is_not_tried_again_and_again) {
    start();
    for (int i = 0; i < 2; ++i) {
        say("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n"
            "Content-Length: 0\r\n\r\n");
    }
    EXPECT_EQ(connector_.asked, 2);
    EXPECT_EQ(state(), "none");
}

TEST_F(MjpegPull, one_that_is_stopped_says_its_end_and_leaves_the_server) {
    start();
    say(endless);
    say(part(picture()));
    stop();
    EXPECT_EQ(state(), "offline");
    EXPECT_TRUE(server().is_left());
    world_.time.run_for(2min);
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(MjpegPull, one_that_waits_for_its_next_picture_is_stopped_at_once) {
    start("http://camera.example/snap.jpg#fps=0.1");
    say(whole(picture()));
    stop();
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

}   // namespace
}   // namespace millrace::session
