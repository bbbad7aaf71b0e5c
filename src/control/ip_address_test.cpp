#include "control/ip_address.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

TEST(IpAddress, knows_ipv4) {
    for (const std::string_view text : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "10.20.199.9"}) {
        EXPECT_TRUE(is_ipv4_address(text)) << text;
    }
    for (const std::string_view text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", ".1.2.3",
                                        "1..2.3", "a.b.c.d", "1.2.3.4 ", "1.2.3.-4", "1.2.3.1000", "::"}) {
        EXPECT_FALSE(is_ipv4_address(text)) << text;
    }
}

TEST(IpAddress, knows_ipv6) {
    for (const std::string_view text :
         {"::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "fe80::", "1::8", "A:b::F", "::ffff:192.0.2.1",
          "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:7::"}) {
        EXPECT_TRUE(is_ipv6_address(text)) << text;
    }
    for (const std::string_view text :
         {"", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4::5:6:7:8",
          "12345::", "g::", "::1:", ":1::", "[::1]", "fe80::1%eth0", "192.0.2.1::", "::192.0.2",
          "1:2:3:4:5:6:7:192.0.2.1", "1.2.3.4"}) {
        EXPECT_FALSE(is_ipv6_address(text)) << text;
    }
}

}   // namespace
}   // namespace millrace::control
