#include "protocol/rtmp/client_address.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace::rtmp {
namespace {

TEST(RtmpClientAddress, the_last_part_of_the_path_is_the_key_and_the_query_goes_with_it) {
    struct Case {
        std::string_view url;
        std::string_view app;
        std::string_view key;
        std::string_view tc_url;
    };
    constexpr std::array cases{
        Case{"rtmp://h/live/cam", "live", "cam", "rtmp://h:1935/live"},
        Case{"rtmp://h:1/a/b/c?x=1&y=/2", "a/b", "c?x=1&y=/2", "rtmp://h:1/a/b"},
        Case{"rtmps://h/live/k", "live", "k", "rtmps://h:443/live"},
        Case{"rtmp://[::1]/live/k", "live", "k", "rtmp://[::1]:1935/live"},
        Case{"rtmp://h/live", "live", "", "rtmp://h:1935/live"},
        Case{"rtmp://h/live?token=t", "live?token=t", "", "rtmp://h:1935/live?token=t"},
        Case{"rtmp://u:p%40%26@h/live/cam", "live", "cam?user=u&pass=p%40%26", "rtmp://h:1935/live"},
        Case{"rtmp://u:p@h/live/cam?a=b", "live", "cam?a=b&user=u&pass=p", "rtmp://h:1935/live"},
    };
    for (const Case& one : cases) {
        const Client::Options options = options_for(parse_url(one.url).value(), Client::Role::publish);
        EXPECT_EQ(options.app, one.app) << one.url;
        EXPECT_EQ(options.key, one.key) << one.url;
        EXPECT_EQ(options.tc_url, one.tc_url) << one.url;
    }
}

}   // namespace
}   // namespace millrace::rtmp
