#include "base/outgoing.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

PeerAddress address(std::string_view text) {
    return PeerAddress::parse({std::string{text}, 80}).value();
}

TEST(OutgoingRules, lead_to_public_and_private_hosts) {
    const OutgoingRules rules;
    for (const std::string_view text :
         {"8.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.10", "100.64.0.1", "192.0.2.1", "2001:db8::1",
          "fd12:3456::1", "2606:4700::1", "::ffff:192.168.1.10", "64:ff9b::808:808", "2002:808:808::1"}) {
        EXPECT_TRUE(rules.allow(address(text))) << text;
    }
}

TEST(OutgoingRules, case_82_lead_neither_home_nor_to_metadata_nor_to_groups) {
    const OutgoingRules rules;
    for (const std::string_view text : {"127.0.0.1",
                                        "127.8.9.10",
                                        "0.0.0.0",
                                        "0.1.2.3",
                                        "169.254.169.254",
                                        "169.254.1.1",
                                        "224.0.0.1",
                                        "239.255.255.250",
                                        "255.255.255.255",
                                        "240.0.0.1",
                                        "::1",
                                        "::",
                                        "::7f00:1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:169.254.169.254",
                                        "fe80::1",
                                        "ff02::1",
                                        "64:ff9b::7f00:1",
                                        "64:ff9b::a9fe:a9fe",
                                        "2002:7f00:1::",
                                        "2001:0:7f00:1::",
                                        "fd00:ec2::254",
                                        "100.100.100.200",
                                        "fec0::1"}) {
        EXPECT_FALSE(rules.allow(address(text))) << text;
    }
}

TEST(OutgoingRules, lead_also_where_the_configuration_says) {
    const OutgoingRules rules{{*IpPrefix::parse("127.0.0.1"), *IpPrefix::parse("::1/128")}};
    EXPECT_TRUE(rules.allow(address("127.0.0.1")));
    EXPECT_TRUE(rules.allow(address("::ffff:127.0.0.1")));
    EXPECT_TRUE(rules.allow(address("::1")));
    EXPECT_FALSE(rules.allow(address("127.0.0.2")));
    EXPECT_TRUE(rules.allow(address("10.0.0.1")));
}

}   // namespace
}   // namespace millrace
