#include "base/ip_prefix.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace {
namespace {

PeerAddress at(std::string_view address) {
    return PeerAddress::parse({std::string{address}, 1}).value_or(PeerAddress{});
}

TEST(IpPrefix, contains_the_addresses_of_its_block) {
    struct Row {
        std::string_view prefix;
        std::string_view address;
        bool inside;
    };
    constexpr std::array rows{
        Row{"10.0.0.0/8", "10.255.1.2", true},
        Row{"10.0.0.0/8", "11.0.0.0", false},
        Row{"192.0.2.128/25", "192.0.2.200", true},
        Row{"192.0.2.128/25", "192.0.2.127", false},
        Row{"127.0.0.1", "127.0.0.1", true},
        Row{"127.0.0.1", "127.0.0.2", false},
        Row{"0.0.0.0/0", "8.8.8.8", true},
        Row{"0.0.0.0/0", "2001:db8::1", false},
        Row{"::/0", "2001:db8::1", true},
        Row{"::/0", "8.8.8.8", true},
        Row{"2001:db8::/33", "2001:db8:7fff::", true},
        Row{"2001:db8::/33", "2001:db8:8000::", false},
        Row{"::1", "::1", true},
        Row{"10.0.0.0/8", "::ffff:10.0.0.1", true},
    };
    for (const auto& row : rows) {
        const auto prefix = IpPrefix::parse(row.prefix);
        ASSERT_TRUE(prefix) << row.prefix;
        EXPECT_EQ(prefix->contains(at(row.address)), row.inside) << row.prefix << " " << row.address;
        EXPECT_EQ(prefix->text(), row.prefix);
    }
}

TEST(IpPrefix, refuses_what_is_no_block_of_addresses) {
    for (const std::string_view text :
         {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8",
          "10.0.0.1/8", "2001:db8::/129", "2001:db8::1/64", "[::1]", "localhost", "10.0.0.0/255.0.0.0",
          "fe80::1%eth0"}) {
        EXPECT_FALSE(IpPrefix::parse(text)) << text;
    }
}

}   // namespace
}   // namespace millrace
