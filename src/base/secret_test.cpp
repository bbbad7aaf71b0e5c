#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace millrace {
namespace {

TEST(Secret, case_69_is_masked_wherever_it_stands) {
    for (const auto& [text, shown] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"/live/cam.flv?token=abc", "/live/cam.flv?token=***"},
             {"?user=cam&pass=a%26b&x=1", "?user=cam&pass=***&x=1"},
             {"?TOKEN=abc#x", "?TOKEN=***"},
             {"access_token=abc; next", "access_token=***; next"},
             {"rtsp://admin:12345@10.0.0.7/stream1", "rtsp://admin:***@10.0.0.7/stream1"},
             {"rtsp://admin:a@b@10.0.0.7", "rtsp://admin:***@10.0.0.7"},
             {"rtsp://10.0.0.7/user=admin_password=tlJw_x1_channel=1_stream=0.sdp",
              "rtsp://10.0.0.7/user=admin_password=***_channel=1_stream=0.sdp"},
             {"rtsp://10.0.0.7/user=admin_password='a b'_channel=1",
              "rtsp://10.0.0.7/user=admin_password='***'_channel=1"},
             {"rtsp://10.0.0.7/user=admin_password=''_channel=1",
              "rtsp://10.0.0.7/user=admin_password='***'_channel=1"},
             {"password='never closed", "password='***"},
             {R"({"user": "a", "password": "b\u0020c", "x": 1})",
              R"({"user": "a", "password": "***", "x": 1})"},
             {R"({"token":"b"})", R"({"token":"***"})"},
             {"Authorization: Basic YTpi", "Authorization: ***"},
             {"Cookie: a=b; millrace=u:cam:1:2:3; c=d", "Cookie: a=b; millrace=***; c=d"},
             {"password: \"$argon2id$v=19$m=19456,t=2,p=1$AA$BB\" x", "password: \"$argon2id$***\" x"},
             {"pass=", "pass=***"},
             {"a token=1 and pass=2", "a token=*** and pass=***"}}) {
        EXPECT_EQ(masked(text), shown);
        EXPECT_EQ(masked(shown), shown);
    }
}

// The forms in which cameras are given a password: `{}` is where it stands.
constexpr std::array<std::string_view, 14> camera_urls{
    "rtsp://admin:{}@192.168.2.64:554//Streaming/Channels/1",
    "rtsp://user:{}@cam.example:554/user=admin_password=x_channel=1_stream=0.sdp",
    "rtsp://username@cam.example:554/user=admin_password='{}'_channel=3_stream=0.sdp",
    "rtsp://cam.example/user=admin_password={}_channel=1_stream=0.sdp?real_stream",
    "rtsp://cam.example/user=admin&password={}&channel=1&stream=0.sdp?",
    "rtsps://:{}@[2001:db8::7]:322/live",
    "rtsp://cam.example/live?username=admin&passwd={}#tcp",
    "rtsp://cam.example/cam/realmonitor?channel=1&subtype=0&userpwd={}",
    "http://cam.example/videostream.cgi?user=admin&pwd={}&resolution=32",
    "http://cam.example/videostream.cgi?loginuse=admin&loginpas={}",
    "http://cam.example/axis-cgi/mjpg/video.cgi?token={}",
    "rtmp://node.example/live/cam?user=cam&pass={}",
    "https://family:{}@node.example/live/cam/index.m3u8",
    "rtsp://cam.example/h264?psw={}"};
constexpr std::array<std::string_view, 8> passwords{"zZq7",  "zZ_q=q7",    "zZ:q7",   "zZ%40q7",
                                                    "zZ@q7", "zZ(x)!*,q7", "zZ$~+q7", "zZ-x.q7"};

TEST(Secret, row_3_25_no_form_of_a_cameras_address_shows_its_password) {
    for (const std::string_view url : camera_urls) {
        for (const std::string_view password : passwords) {
            std::string written{url};
            for (std::size_t at = written.find("{}"); at != std::string::npos; at = written.find("{}")) {
                written.replace(at, 2, password);
            }
            for (const std::string& text : {written, "source: \"" + written + "\"",
                                            "live/cam: the source " + written + " broke: closed"}) {
                const std::string shown = masked(text);
                EXPECT_EQ(shown.find("zZ"), std::string::npos) << text << "\n" << shown;
                EXPECT_EQ(shown.find("q7"), std::string::npos) << text << "\n" << shown;
                EXPECT_NE(shown.find("***"), std::string::npos) << text;
                EXPECT_EQ(masked(shown), shown) << text;
            }
        }
    }
}

TEST(Secret, row_3_25_what_is_no_password_stays_as_it_was_written) {
    EXPECT_EQ(masked("rtsp://admin:p@192.168.2.64:554//Streaming/Channels/1"),
              "rtsp://admin:***@192.168.2.64:554//Streaming/Channels/1");
    EXPECT_EQ(masked("rtsp://u@h:554/user=admin_password='p'_channel=3_stream=0.sdp"),
              "rtsp://u@h:554/user=admin_password='***'_channel=3_stream=0.sdp");
    EXPECT_EQ(masked("rtsp://admin:p'a=s_s@h//S/1?a='b'_c=d broke"),
              "rtsp://admin:***@h//S/1?a='b'_c=d broke");
    EXPECT_EQ(masked("rtsp://admin:a/b#c@h/x broke"), "rtsp://admin:***@h/x broke") << "broken, but secret";
    EXPECT_EQ(masked("http://h:80/~me/a@b"), "http://h:80/~me/a@b");
}

TEST(Secret, is_all_that_is_masked) {
    for (const std::string_view text :
         {"", "wrong user or password", "auth.users[0].password: wanted is a line",
          "rtmp://host:1935/live/cam", "http://[::1]:8080/@me", "compass=north", "user=cam", "tokens=3",
          "the token expires: 1", "://", "a_=b", "Authorization takes Basic or Bearer here",
          "tls.key=/etc/key.pem"}) {
        EXPECT_EQ(masked(text), text);
    }
}

}   // namespace
}   // namespace millrace
