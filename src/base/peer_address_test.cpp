#include "base/peer_address.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

namespace millrace {
namespace {

std::string round_trip(const char* text) {
    const auto address = PeerAddress::parse({text, 7});
    return address && address->port() == 7 ? address->endpoint().address : "no address";
}

TEST(PeerAddress, reads_and_writes_addresses_as_people_do) {
    const struct {
        const char* text;
        const char* canonical;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"fe80::a1b2:00c3:0:7", "fe80::a1b2:c3:0:7"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
    };
    for (const auto& [text, canonical] : cases) {
        EXPECT_EQ(round_trip(text), canonical) << text;
        EXPECT_EQ(round_trip(canonical), canonical);
    }
}

TEST(PeerAddress, refuses_names_and_nonsense) {
    const char* const cases[] = {
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4.",
        "1.2.3.4.5",
        "1..2.3",
        "256.1.1.1",
        "01.2.3.4",
        "+1.2.3.4",
        "-1.2.3.4",
        "1.2.3.4 ",
        ":",
        ":::",
        "1:2",
        "::1::",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "12345::",
        "g::",
        "1:",
        ":1",
        "1.2.3.4::",
        "::1.2.3",
        "[::1]",
        "fe80::1%1",
        "1:2:3:4:5:6:7",
        "::-1",
        "::0x1",
        "1::2:",
        ":1::",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
    };
    for (const char* text : cases) {
        EXPECT_EQ(round_trip(text), "no address") << text;
    }
}

TEST(PeerAddress, is_the_same_peer_as_ipv4_and_as_mapped_ipv6) {
    const auto plain = PeerAddress::parse({"192.0.2.1", 5000});
    const auto mapped = PeerAddress::parse({"::ffff:c000:201", 5000});
    ASSERT_TRUE(plain && mapped);
    EXPECT_EQ(*plain, *mapped);
    EXPECT_TRUE(mapped->is_ipv4());
    EXPECT_EQ(plain->text(), "192.0.2.1:5000");
    EXPECT_EQ(PeerAddress::parse({"2001:db8::7", 5000})->text(), "[2001:db8::7]:5000");
    EXPECT_FALSE(PeerAddress::parse({"::1", 5000})->is_ipv4());
    EXPECT_TRUE(PeerAddress{}.is_nobody());
    EXPECT_FALSE(plain->host().is_nobody());
    EXPECT_EQ(plain->host(), PeerAddress::parse({"192.0.2.1", 0}));
}

TEST(PeerAddress, tells_ports_and_zones_apart) {
    const PeerAddress link_local = *PeerAddress::parse({"fe80::1", 1});
    EXPECT_NE(link_local, (PeerAddress{link_local.ip(), 1, 2}));
    EXPECT_NE(link_local, (PeerAddress{link_local.ip(), 2, 0}));
    EXPECT_EQ((PeerAddress{link_local.ip(), 1, 2}).host().zone(), 2U);
}

TEST(PeerAddress, hashes_neighbours_apart) {
    std::unordered_set<std::size_t> low_bits;
    constexpr std::size_t peers = 4096;
    for (std::size_t i = 0; i < peers; ++i) {
        const auto last = static_cast<std::uint8_t>(i % 64);
        const auto port = static_cast<std::uint16_t>(40'000 + i / 64);
        low_bits.insert(std::hash<PeerAddress>{}(PeerAddress::ipv4({10, 0, 0, last}, port)) % peers);
    }
    // Random values would fill 63 % of the places.
    EXPECT_GT(low_bits.size(), peers / 2);
}

}   // namespace
}   // namespace millrace
