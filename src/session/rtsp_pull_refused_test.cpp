#include "session/rtsp_pull.hpp"

#include "session/rtsp_pull_for_tests.hpp"
#include "session/rtsp_target.hpp"

namespace millrace::session {
namespace {

using toys::last_words;

/// A conversation in which the test says each answer.
class SaidRtspPull : public toys::RtspPullTest {
protected:
    /// Answers what was asked last.
    void say(std::string_view status, std::string_view headers = "", std::string_view body = "") {
        server().hear();
        const std::string asked = std::exchange(server().heard, {});
        const std::size_t at = asked.rfind("CSeq: ");
        ASSERT_NE(at, std::string::npos) << asked;
        const std::string cseq = asked.substr(at, asked.find('\r', at) - at);
        const std::string length =
            body.empty() ? std::string{} : fmt::format("Content-Length: {}\r\n", body.size());
        server().say(fmt::format("RTSP/1.0 {}\r\n{}\r\n{}{}\r\n{}", status, cseq, headers, length, body));
        world_.time.settle();
    }
};

TEST_F(SaidRtspPull, case_28_a_redirection_is_followed_through_the_same_door_without_the_password) {
    start("rtsp://me:secret@camera.example/live");
    say("200 OK");
    say("302 Moved", "Location: rtsp://127.0.0.1//other?x='y'\r\n");
    ASSERT_EQ(connector_.asked, 2) << "the connector decides whether that is an address for us";
    EXPECT_EQ(server().dial.to.text(), "127.0.0.1:554");
    say("200 OK");
    EXPECT_NE(server().hear().find("DESCRIBE rtsp://127.0.0.1//other?x='y' RTSP/1.0"), std::string::npos);
    say("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n");
    EXPECT_EQ(last_words, "the camera answers 401: it wants a user and a password");
}

TEST_F(SaidRtspPull, case_28_redirections_have_an_end_and_stay_with_rtsp) {
    start();
    for (int i = 0; i <= rtsp_redirects_max; ++i) {
        ASSERT_EQ(connector_.asked, 1 + i);
        say("200 OK");
        say("301 Moved", "Location: rtsp://camera.example/live\r\n");
    }
    EXPECT_EQ(last_words, "the camera sends us on and on");
    for (const std::string_view to : {"file:///etc/passwd", "http://169.254.169.254/", "gopher://h/", ""}) {
        wait_for_next_try();
        const int asked = connector_.asked;
        say("200 OK");
        say("302 Moved", fmt::format("Location: {}\r\n", to));
        EXPECT_EQ(connector_.asked, asked) << to;
        EXPECT_TRUE(server().is_left()) << to;
    }
}

TEST_F(SaidRtspPull, case_28_a_camera_that_redirects_while_it_plays_is_followed_too) {
    start("rtsp://me:secret@camera.example/live");
    say("200 OK");
    say("200 OK", "", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n");
    say("200 OK", "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    say("200 OK", "Session: 1\r\n");
    ASSERT_EQ(connector_.asked, 1);
    server().say(
        "REDIRECT rtsp://camera.example/live RTSP/1.0\r\nCSeq: 9\r\n"
        "Location: rtsp://other.example/live\r\n\r\n");
    world_.time.settle();
    EXPECT_TRUE(connector_.servers.at(0).is_left());
    ASSERT_EQ(connector_.asked, 2);
    EXPECT_EQ(server().dial.to.text(), "other.example:554");
}

TEST_F(SaidRtspPull, case_84_a_camera_that_never_answers_is_left_after_10_s) {
    start();
    world_.time.run_for(11s);
    EXPECT_TRUE(connector_.servers.at(0).is_left());
    EXPECT_EQ(last_words, "the server did not answer");
}

TEST_F(SaidRtspPull, refusals_say_their_number_and_hide_secrets) {
    start();
    say("200 OK");
    say("404 Not Found");
    EXPECT_EQ(last_words, "the camera answers 404: it has no such stream");
    wait_for_next_try();
    say("200 OK");
    say("453 No room for password=abc");
    EXPECT_EQ(last_words, "the camera answers 453 No room for password=***");
    wait_for_next_try();
    say("200 OK");
    say("403 this stream comes from the node that asks: it would go round in circles");
    EXPECT_EQ(
        last_words,
        "the camera answers 403 this stream comes from the node that asks: it would go round in circles");
    wait_for_next_try();
    say("200 OK");
    say("200 OK", "", "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n");
    EXPECT_NE(last_words.find("the camera offers no track that can be read here: the track 1 (application)"),
              std::string::npos)
        << last_words;
}

TEST_F(SaidRtspPull, case_85_a_pull_says_who_asks_and_takes_nothing_that_comes_from_here) {
    desk_.node_id = "0123456789abcdef";
    constexpr std::string_view sdp = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
    start();
    say("200 OK");
    EXPECT_NE(server().hear().find("Millrace-Hops: 0123456789abcdef\r\n"), std::string::npos);
    say("200 OK", "Millrace-Hops: aaaaaaaaaaaaaaaa,0123456789abcdef\r\n", sdp);
    EXPECT_EQ(last_words, "the stream comes from this node itself: it would go round in circles");
    wait_for_next_try();
    say("200 OK");
    say("200 OK", "Millrace-Hops: aaaaaaaaaaaaaaaa\r\n", sdp);
    EXPECT_NE(server().hear().find("SETUP"), std::string::npos);
}

TEST_F(SaidRtspPull, case_27_a_repeated_media_line_is_set_up_once) {
    start();
    say("200 OK");
    say("200 OK", "Content-Base: rtsp://camera.example/live/\r\n",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:t1\n"
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:t1\n");
    EXPECT_NE(server().hear().find("SETUP rtsp://camera.example/live/t1 RTSP/1.0"), std::string::npos);
    say("200 OK", "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    EXPECT_NE(server().hear().find("PLAY rtsp://camera.example/live"), std::string::npos);
}

TEST(RtspTarget, row_2_20_addresses_are_asked_for_byte_for_byte_without_user_and_password) {
    const std::array<std::array<std::string_view, 4>, 7> table{{
        {"rtsp://user:pass@host:554//Streaming/Channels/1", "rtsp://host:554//Streaming/Channels/1", "user",
         "pass"},
        {"rtsp://10.0.0.5:554/user=admin_password='a@b'_channel=1_stream=0.sdp",
         "rtsp://10.0.0.5:554/user=admin_password='a@b'_channel=1_stream=0.sdp", "", ""},
        {"rtsp://h/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif",
         "rtsp://h/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif", "", ""},
        {"rtsp://admin:p%40ss@h:8554/a//b?x=%2F", "rtsp://h:8554/a//b?x=%2F", "admin", "p@ss"},
        {"rtsp://admin:p@ss@h/", "rtsp://h/", "admin", "p@ss"},
        {"rtsp://h", "rtsp://h", "", ""},
        {"rtsps://u@[2001:db8::5]/x#1", "rtsps://[2001:db8::5]/x#1", "u", ""},
    }};
    for (const auto& [written, asked, user, password] : table) {
        const Result<RtspTarget> target = parse_rtsp_target(written);
        ASSERT_TRUE(target) << written;
        EXPECT_EQ(target->text, asked);
        EXPECT_EQ(target->url.user, user);
        EXPECT_EQ(target->url.password, password);
    }
}
}   // namespace
}   // namespace millrace::session
