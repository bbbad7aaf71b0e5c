#include "base/web.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::web {
namespace {

TEST(PercentDecode, decodes_once_and_refuses_what_is_not_an_escape) {
    struct Row {
        std::string_view text;
        std::optional<std::string> decoded;
    };
    const std::vector<Row> rows{
        {"", ""},
        {"/live/cam", "/live/cam"},
        {"%2Flive%2fcam", "/live/cam"},
        {"%252e", "%2e"},
        {"a+b", "a+b"},
        {"%C3%A9", "\xC3\xA9"},
        {"%", std::nullopt},
        {"%2", std::nullopt},
        {"%zz", std::nullopt},
        {"a%0", std::nullopt},
        {"%00", std::nullopt},
        {std::string_view{"a\0b", 3}, std::nullopt},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(percent_decode(row.text), row.decoded) << row.text;
    }
}

TEST(Request, finds_the_first_header_of_a_name_in_any_case) {
    const Request request{.headers = {{"Host", "a"}, {"X-One", "1"}, {"x-one", "2"}}};
    EXPECT_EQ(request.header("hOST"), "a");
    EXPECT_EQ(request.header("x-one"), "1");
    EXPECT_EQ(request.header("x-on"), std::nullopt);
}

TEST(Refusal, challenges_programs_and_people_but_no_script_of_a_page) {
    struct Row {
        std::vector<Header> headers;
        bool challenged;
    };
    const std::string browser = "Mozilla/5.0 (X11; Linux x86_64)";
    const std::vector<Row> rows{
        {{}, true},
        {{{"User-Agent", "Lavf/60"}, {"Accept", "*/*"}}, true},
        {{{"User-Agent", browser}, {"Accept", "text/html,application/xhtml+xml"}}, true},
        {{{"User-Agent", browser}, {"Accept", "*/*"}}, false},
        {{{"User-Agent", browser}}, false},
        {{{"User-Agent", browser}, {"Accept", "*/*"}, {"Sec-Fetch-Mode", "navigate"}}, true},
        {{{"User-Agent", browser}, {"Accept", "text/html"}, {"Sec-Fetch-Mode", "cors"}}, false},
    };
    for (const auto& row : rows) {
        const Response response = refusal({.headers = row.headers}, {Errc::unauthenticated, "who are you"});
        EXPECT_EQ(response.status, 401);
        const auto challenges = std::ranges::count(response.headers, "WWW-Authenticate", &Header::name);
        EXPECT_EQ(challenges, row.challenged ? 2 : 0);
    }
    const Response busy = refusal({}, {Errc::throttled, "later"});
    EXPECT_EQ(busy.status, 429);
    EXPECT_EQ(std::ranges::count(busy.headers, "Retry-After", &Header::name), 1);
}

TEST(Request, gives_the_first_value_of_a_query_key_decoded) {
    const Request request{.query = "a=1&a=2&user=j%20d+x&flag&e=&%62ad=%zz&%75=v=w"};
    EXPECT_EQ(request.query_value("a"), "1");
    EXPECT_EQ(request.query_value("user"), "j d x");
    EXPECT_EQ(request.query_value("flag"), "");
    EXPECT_EQ(request.query_value("e"), "");
    EXPECT_EQ(request.query_value("bad"), std::nullopt);
    EXPECT_EQ(request.query_value("u"), "v=w");
    EXPECT_EQ(request.query_value("nothing"), std::nullopt);
    EXPECT_EQ(Request{}.query_value(""), std::nullopt);
}

TEST(JsonQuoted, keeps_utf8_and_escapes_the_rest) {
    EXPECT_EQ(json_quoted("plain"), R"("plain")");
    EXPECT_EQ(json_quoted("a\"b\\c\n\x01\x7F"), R"("a\"b\\c\n\u0001\u007f")");
    EXPECT_EQ(json_quoted("<img>"), R"("\u003cimg>")");
    EXPECT_EQ(json_quoted("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
              "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    // Cut, overlong, surrogate, beyond U+10FFFF, lone continuation.
    EXPECT_EQ(json_quoted("\xC3"), R"("\ufffd")");
    EXPECT_EQ(json_quoted("\xC0\xAF"), R"("\ufffd\ufffd")");
    EXPECT_EQ(json_quoted("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");
    EXPECT_EQ(json_quoted("\xF4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
    EXPECT_EQ(json_quoted("\x80x"), R"("\ufffdx")");
}

TEST(Response, a_problem_is_an_rfc_9457_document) {
    const Response response = Response::problem(404, "no stream \"x\"");
    EXPECT_EQ(response.status, 404);
    ASSERT_EQ(response.headers.size(), 1U);
    EXPECT_EQ(response.headers[0].value, "application/problem+json");
    EXPECT_EQ(as_text(response.body),
              "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
              "\"detail\":\"no stream \\\"x\\\"\"}\n");
}

TEST(Response, text_carries_its_type) {
    const Response response = Response::text(200, "ok");
    EXPECT_EQ(response.headers[0].name, "Content-Type");
    EXPECT_EQ(response.headers[0].value, "text/plain; charset=utf-8");
    EXPECT_EQ(as_text(response.body), "ok");
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(299), "Unknown");
}

}   // namespace
}   // namespace millrace::web
