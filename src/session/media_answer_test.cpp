#include "session/media_answer.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

using Origins = std::vector<std::string>;
const Origins all{"*"};
const Origins some{"https://a.example", "http://localhost:3000"};

web::Request from(std::vector<web::Header> headers) {
    web::Request request;
    request.method = "GET";
    request.headers = std::move(headers);
    return request;
}
std::string value_of(const std::vector<web::Header>& headers, std::string_view name) {
    for (const auto& header : headers) {
        if (web::same_name(header.name, name)) {
            return header.value;
        }
    }
    return {};
}

TEST(MediaAnswer, case_63_every_page_may_read_where_all_may_and_none_with_credentials) {
    const auto headers = media_headers(from({}), all);
    EXPECT_EQ(value_of(headers, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(value_of(headers, "Access-Control-Allow-Credentials"), "");
    EXPECT_EQ(value_of(headers, "Vary"), "");
    EXPECT_TRUE(value_of(headers, "Access-Control-Expose-Headers").find("Content-Range") !=
                std::string::npos);
}

TEST(MediaAnswer, case_63_listed_pages_alone_may_read_and_caches_are_told_that_it_depends) {
    const auto listed = media_headers(from({{"Origin", "https://a.example"}}), some);
    EXPECT_EQ(value_of(listed, "Access-Control-Allow-Origin"), "https://a.example");
    EXPECT_EQ(value_of(listed, "Vary"), "Origin");
    for (const std::string origin : {"https://b.example", "null", "https://a.example.evil", ""}) {
        const auto foreign = media_headers(from({{"Origin", origin}}), some);
        EXPECT_EQ(value_of(foreign, "Access-Control-Allow-Origin"), "") << origin;
        EXPECT_EQ(value_of(foreign, "Vary"), "Origin");
    }
}

TEST(MediaAnswer, a_refusal_is_readable_too) {
    for (const auto& [code, status] : std::vector<std::pair<Errc, int>>{{Errc::malformed, 400},
                                                                        {Errc::refused, 403},
                                                                        {Errc::not_found, 404},
                                                                        {Errc::unsupported, 415},
                                                                        {Errc::timed_out, 503},
                                                                        {Errc::io, 500}}) {
        const web::Response response = media_refusal(from({}), all, {code, "why not"});
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(value_of(response.headers, "Access-Control-Allow-Origin"), "*");
        EXPECT_EQ(value_of(response.headers, "Retry-After"), status == 503 ? "1" : "");
        EXPECT_NE(as_text(response.body).find("why not"), std::string_view::npos);
    }
}

TEST(MediaAnswer, case_61_only_pages_of_listed_sites_or_our_own_open_websockets) {
    struct Row {
        std::string origin;
        std::string host;
        bool may;
    };
    for (const Row& row : std::vector<Row>{
             {"https://a.example", "cam.example", true},
             {"http://localhost:3000", "cam.example", true},
             {"https://b.example", "cam.example", false},
             {"null", "cam.example", false},
             {"http://192.0.2.7:8080", "192.0.2.7:8080", true},
             {"http://[2001:db8::1]:8080", "[2001:db8::1]:8080", true},
             {"http://localhost:8080", "localhost:8080", true},
             {"http://192.0.2.7:8081", "192.0.2.7:8080", false},
             {"https://192.0.2.7:8080", "192.0.2.7:8080", false},
             {"http://evil.example", "evil.example", false},   // a name that was made to point here
             {"http://", "", false},
         }) {
        const web::Request request = from({{"Origin", row.origin}, {"Host", row.host}});
        EXPECT_EQ(may_open_websocket(request, some), row.may) << row.origin << " at " << row.host;
        EXPECT_TRUE(may_open_websocket(request, all));
    }
    EXPECT_TRUE(may_open_websocket(from({{"Host", "cam.example"}}), some)) << "a program says no origin";
}

}   // namespace
}   // namespace millrace::session
