#include "base/masked_destination.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace {
namespace {

TEST(MaskedDestination, row_3_25_keys_and_passwords_of_destinations_are_never_shown) {
    struct Case {
        std::string_view to;
        std::string_view shown;
    };
    constexpr std::array cases{
        Case{"rtmp://a.example/live2/abcd-efgh", "rtmp://a.example/live2/***"},
        Case{"rtmps://a.example:443/app/inst/k?pass=x&a=b",
             "rtmps://a.example:443/app/inst/***?pass=***&a=b"},
        Case{"rtmp://a.example/live2/a/b?x=/c", "rtmp://a.example/live2/a/***?x=/c"},
        Case{"rtmp://a.example/live", "rtmp://a.example/live"},
        Case{"rtmp://a.example", "rtmp://a.example"},
        Case{"rtmp://a.example/live/", "rtmp://a.example/live/"},
        Case{"rtmp://u:p@a.example/live/k", "rtmp://u:***@a.example/live/***"},
        Case{"rtsp://u:p@a.example/live/cam", "rtsp://u:***@a.example/live/cam"},
        Case{"tcp://10.0.0.9:5000", "tcp://10.0.0.9:5000"},
        Case{"udp://239.1.1.1:5000?ttl=4", "udp://239.1.1.1:5000?ttl=4"},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(masked_destination(one.to), one.shown);
    }
}

}   // namespace
}   // namespace millrace
