#include "base/secret.hpp"

#include <gtest/gtest.h>

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
