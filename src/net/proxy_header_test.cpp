#include "net/proxy_header.hpp"

#include "net/proxy_header_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

using testing::ipv4_addresses;
using testing::proxy_header;
using Kind = ProxyScan::Kind;

// [2001:db8::7]:4660 to [::1]:80.
constexpr std::string_view ipv6_addresses{
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34\x00\x50", 36};
constexpr std::string_view by_tls{"\x20\x00\x05\x01\0\0\0\0", 8};
constexpr std::string_view not_by_tls{"\x20\x00\x05\x00\0\0\0\0", 8};
constexpr std::string_view unknown{
    "\xEE\x00\x03"
    "abc",
    6};

Result<ProxyScan> scan(std::string_view text) {
    return scan_proxy_header(as_bytes(text));
}

std::string operator+(std::string_view a, std::string_view b) {
    return std::string{a}.append(b);
}

TEST(ProxyHeader, says_whom_the_proxy_stands_for) {
    const std::string unix_paths(216, 'x');
    const struct {
        const char* name;
        std::string wire;
        const char* source;
        bool encrypted;
    } cases[] = {
        {"IPv4", proxy_header(0x21, 0x11, ipv4_addresses), "203.0.113.7:4660", false},
        {"IPv6", proxy_header(0x21, 0x21, ipv6_addresses), "[2001:db8::7]:4660", false},
        {"with words", proxy_header(0x21, 0x11, ipv4_addresses + unknown), "203.0.113.7:4660", false},
        {"by TLS", proxy_header(0x21, 0x11, ipv4_addresses + (unknown + by_tls)), "203.0.113.7:4660", true},
        {"not by TLS", proxy_header(0x21, 0x11, ipv4_addresses + not_by_tls), "203.0.113.7:4660", false},
        {"LOCAL", proxy_header(0x20, 0x00, ""), nullptr, false},
        {"LOCAL with an address", proxy_header(0x20, 0x11, ipv4_addresses), nullptr, false},
        {"LOCAL with nonsense", proxy_header(0x20, 0x77, "??"), nullptr, false},
        {"of no family", proxy_header(0x21, 0x00, "whatever"), nullptr, false},
        {"UNIX", proxy_header(0x21, 0x31, unix_paths), nullptr, false},
    };
    for (const auto& [name, wire, source, encrypted] : cases) {
        const auto scanned = scan(wire + "GET / HTTP/1.1");
        ASSERT_TRUE(scanned) << name << ": " << scanned.error().what;
        EXPECT_EQ(scanned->kind, Kind::present) << name;
        EXPECT_EQ(scanned->header.size, wire.size()) << name;
        EXPECT_EQ(scanned->header.source ? scanned->header.source->text() : "", source ? source : "") << name;
        EXPECT_EQ(scanned->header.encrypted, encrypted) << name;
    }
}

TEST(ProxyHeader, is_waited_for_at_every_cut) {
    const std::string wire = proxy_header(0x21, 0x11, ipv4_addresses + unknown);
    for (std::size_t size = 0; size < wire.size(); ++size) {
        const auto scanned = scan(std::string_view{wire}.substr(0, size));
        ASSERT_TRUE(scanned) << size;
        EXPECT_EQ(scanned->kind, Kind::incomplete) << size;
        EXPECT_GT(scanned->wanted, size);
        EXPECT_LE(scanned->wanted, wire.size());
    }
}

TEST(ProxyHeader, is_told_from_every_other_protocol_by_its_first_bytes) {
    for (const std::string_view bytes :
         {std::string_view{"G"}, std::string_view{"\x03"}, std::string_view{"\x16\x03\x01"},
          std::string_view{"\r\nGET"}, std::string_view{"\r\n\r\n\0\r\nQUIX", 11},
          std::string_view{"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"}}) {
        const auto scanned = scan(bytes);
        ASSERT_TRUE(scanned);
        EXPECT_EQ(scanned->kind, Kind::absent) << bytes;
    }
}

TEST(ProxyHeader, refuses_what_breaks_its_own_rules) {
    const struct {
        const char* name;
        std::string wire;
    } cases[] = {
        {"version 1", proxy_header(0x11, 0x11, ipv4_addresses)},
        {"version 3", proxy_header(0x31, 0x11, ipv4_addresses)},
        {"command 2", proxy_header(0x22, 0x11, ipv4_addresses)},
        {"datagrams", proxy_header(0x21, 0x12, ipv4_addresses)},
        {"family 4", proxy_header(0x21, 0x41, ipv4_addresses)},
        {"transport 3", proxy_header(0x21, 0x13, ipv4_addresses)},
        {"a short IPv4", proxy_header(0x21, 0x11, ipv4_addresses.substr(1))},
        {"a short IPv6", proxy_header(0x21, 0x21, ipv6_addresses.substr(1))},
        {"IPv4 called IPv6", proxy_header(0x21, 0x21, ipv4_addresses)},
        {"a short UNIX", proxy_header(0x21, 0x31, std::string(215, 'x'))},
        {"a word beyond the end", proxy_header(0x21, 0x11, ipv4_addresses + "\x20\x01\x00")},
        {"half a word", proxy_header(0x21, 0x11, ipv4_addresses + "\x20")},
        {"64 KB", proxy_header(0x21, 0x11, std::string(65535, '\0'))},
    };
    for (const auto& [name, wire] : cases) {
        const auto scanned = scan(wire);
        ASSERT_FALSE(scanned) << name;
        EXPECT_EQ(scanned.error().code, Errc::malformed) << name;
    }
}

}   // namespace
}   // namespace millrace::net
