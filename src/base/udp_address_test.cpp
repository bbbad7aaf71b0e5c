#include "base/udp_address.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(UdpAddress, says_where_to_listen) {
    struct Case {
        std::string_view text;
        Endpoint at;
    };
    for (const Case& one :
         {Case{"udp://@:5000", {"", 5000}}, Case{"udp://:1", {"", 1}},
          Case{"udp://@239.1.1.1:65535", {"239.1.1.1", 65535}},
          Case{"udp://192.0.2.1:5000", {"192.0.2.1", 5000}}, Case{"udp://@[ff02::1]:5000", {"ff02::1", 5000}},
          Case{"udp://@[::]:5000", {"::", 5000}}}) {
        const Result<Endpoint> at = parse_udp_address(one.text);
        ASSERT_TRUE(at) << one.text;
        EXPECT_EQ(at->address, one.at.address) << one.text;
        EXPECT_EQ(at->port, one.at.port) << one.text;
    }
}

TEST(UdpAddress, case_82_anything_else_is_refused_in_words) {
    for (const std::string_view text :
         {"", "udp://", "udp://@", "udp://@239.1.1.1", "udp://@:0", "udp://@:65536", "udp://@:5000/x",
          "udp://@:5000?pkt_size=1316", "udp://@host:5000", "udp://@ff02::1:5000", "udp://@[x]:5000",
          "udp://@2130706433:5000", "udp://a@b:5000", "udp:@:5000", "tcp://@:5000", "udp://@:-1"}) {
        const Result<Endpoint> at = parse_udp_address(text);
        EXPECT_FALSE(at) << text;
    }
}

}   // namespace
}   // namespace millrace
