#include "session/forwarded.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

const std::vector<IpPrefix> proxies{*IpPrefix::parse("127.0.0.1"), *IpPrefix::parse("10.0.0.0/8"),
                                    *IpPrefix::parse("2001:db8::/32")};

/// The client of a request that came from `peer`.
std::string client_of(const std::string& peer, std::vector<web::Header> headers) {
    web::Request request{.headers = std::move(headers), .peer = {peer, 1000}};
    take_forwarded(request, proxies);
    return (request.encrypted ? "https " : "") + request.peer.text();
}

TEST(Forwarded, the_client_is_the_rightmost_address_that_is_no_proxy_of_ours) {
    const struct {
        const char* said;
        const char* client;
    } cases[] = {
        {"203.0.113.7", "203.0.113.7:0"},
        {" 203.0.113.7 ", "203.0.113.7:0"},
        {"203.0.113.7:4711", "203.0.113.7:0"},
        {"2a00:1::7", "[2a00:1::7]:0"},
        {"[2a00:1::7]:4711", "[2a00:1::7]:0"},
        {"::ffff:203.0.113.7", "203.0.113.7:0"},
        {"198.51.100.1, 203.0.113.7", "203.0.113.7:0"},
        {"198.51.100.1, 203.0.113.7, 10.0.0.1,10.0.0.2", "203.0.113.7:0"},
        {"203.0.113.7, 2001:db8::9", "203.0.113.7:0"},
        {"10.0.0.9, 10.0.0.1", "10.0.0.9:0"},
        {"198.51.100.1, nonsense", "127.0.0.1:1000"},
        {"203.0.113.7, unknown, 10.0.0.1", "10.0.0.1:0"},
        {"203.0.113.7,", "127.0.0.1:1000"},
        {",,,,", "127.0.0.1:1000"},
        {"", "127.0.0.1:1000"},
        {"203.0.113.7\r\n", "127.0.0.1:1000"},
        {"[", "127.0.0.1:1000"},
        {"[]", "127.0.0.1:1000"},
        {":", "127.0.0.1:1000"},
    };
    for (const auto& [said, client] : cases) {
        EXPECT_EQ(client_of("127.0.0.1", {{"X-Forwarded-For", said}}), client) << said;
    }
}

TEST(Forwarded, several_headers_are_one_list) {
    const web::Header left{"x-forwarded-for", "198.51.100.1, 203.0.113.7"};
    const web::Header right{"X-FORWARDED-FOR", "10.0.0.1"};
    EXPECT_EQ(client_of("127.0.0.1", {left, {"Host", "a"}, right}), "203.0.113.7:0");
    EXPECT_EQ(client_of("127.0.0.1", {right, left}), "203.0.113.7:0");
}

TEST(Forwarded, says_whether_the_client_came_by_tls) {
    const web::Header from{"X-Forwarded-For", "203.0.113.7"};
    EXPECT_EQ(client_of("127.0.0.1", {from, {"X-Forwarded-Proto", "https"}}), "https 203.0.113.7:0");
    EXPECT_EQ(client_of("127.0.0.1", {from, {"X-Forwarded-Proto", "http"}}), "203.0.113.7:0");
    EXPECT_EQ(client_of("127.0.0.1", {from, {"X-Forwarded-Proto", "http, HTTPS"}}), "https 203.0.113.7:0");
    EXPECT_EQ(client_of("127.0.0.1", {{"X-Forwarded-Proto", "https"}}), "https 127.0.0.1:1000");
}

TEST(Forwarded, is_mere_text_from_anybody_else) {
    const web::Header from{"X-Forwarded-For", "127.0.0.1"};
    for (const char* stranger : {"203.0.113.9", "127.0.0.2", "2a00:1::1", ""}) {
        EXPECT_EQ(client_of(stranger, {from, {"X-Forwarded-Proto", "https"}}),
                  (Endpoint{stranger, 1000}.text()));
    }
}

}   // namespace
}   // namespace millrace::session
