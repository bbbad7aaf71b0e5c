#include "protocol/http/conditional.hpp"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

web::Response segment() {
    web::Response response = web::Response::text(200, "0123456789", "video/mp4");
    response.headers.push_back({"ETag", "\"abc\""});
    response.headers.push_back({"Access-Control-Allow-Origin", "*"});
    return response;
}

web::Response ask(std::vector<web::Header> headers, std::string method = "GET") {
    web::Request request;
    request.method = std::move(method);
    request.headers = std::move(headers);
    return conditional(request, segment());
}

std::string value_of(const web::Response& response, std::string_view name) {
    for (const auto& header : response.headers) {
        if (web::same_name(header.name, name)) {
            return header.value;
        }
    }
    return {};
}

TEST(Conditional, row_1_19_a_whole_answer_says_that_it_has_ranges) {
    const web::Response whole = ask({});
    EXPECT_EQ(whole.status, 200);
    EXPECT_EQ(value_of(whole, "Accept-Ranges"), "bytes");
    EXPECT_EQ(value_of(whole, "ETag"), "\"abc\"");
    EXPECT_EQ(whole.body.size(), 10U);
}

TEST(Conditional, row_1_19_case_56_ranges_give_a_part_the_whole_or_416) {
    struct Row {
        std::string range;
        int status;
        std::string body;
        std::string content_range;
    };
    std::string thousand = "bytes=0-0";
    for (int i = 1; i < 1000; ++i) {
        thousand += ",0-";
    }
    const std::string whole = "0123456789";
    for (const Row& row : std::vector<Row>{
             {"bytes=0-", 206, whole, "bytes 0-9/10"},
             {"bytes=0-0", 206, "0", "bytes 0-0/10"},
             {"bytes=3-5", 206, "345", "bytes 3-5/10"},
             {"BYTES=3-5", 206, "345", "bytes 3-5/10"},
             {"bytes=8-99", 206, "89", "bytes 8-9/10"},
             {"bytes=9-", 206, "9", "bytes 9-9/10"},
             {"bytes=-3", 206, "789", "bytes 7-9/10"},
             {"bytes=-99", 206, whole, "bytes 0-9/10"},
             {"bytes=0-18446744073709551616", 206, whole, "bytes 0-9/10"},
             {"bytes=-18446744073709551616", 206, whole, "bytes 0-9/10"},
             {"bytes=10-", 416, "", "bytes */10"},
             {"bytes=18446744073709551615-", 416, "", "bytes */10"},
             {"bytes=18446744073709551616-18446744073709551617", 416, "", "bytes */10"},
             {"bytes=-0", 416, "", "bytes */10"},
             {"bytes=5-3", 200, whole, ""},
             {"bytes=0-1,4-5", 200, whole, ""},
             {"bytes=0-5,2-9", 200, whole, ""},
             {thousand, 200, whole, ""},
             {"bytes=", 200, whole, ""},
             {"bytes=-", 200, whole, ""},
             {"bytes=a-b", 200, whole, ""},
             {"bytes=--1", 200, whole, ""},
             {"bytes=+1-2", 200, whole, ""},
             {"bytes", 200, whole, ""},
             {"seconds=1-2", 200, whole, ""},
         }) {
        const web::Response answer = ask({{"Range", row.range}});
        EXPECT_EQ(answer.status, row.status) << row.range;
        EXPECT_EQ(value_of(answer, "Content-Range"), row.content_range) << row.range;
        EXPECT_EQ(value_of(answer, "Access-Control-Allow-Origin"), "*") << row.range;
        if (row.status != 416) {
            EXPECT_EQ(as_text(answer.body), row.body) << row.range;
        }
    }
}

TEST(Conditional, row_1_19_a_known_tag_is_answered_by_304) {
    struct Row {
        std::string tags;
        int status;
    };
    for (const Row& row : std::vector<Row>{{"\"abc\"", 304},
                                           {"*", 304},
                                           {"W/\"abc\"", 304},
                                           {"\"x,y\" , \"abc\"", 304},
                                           {"\"x\",\"y\"", 200},
                                           {"abc", 200},
                                           {"\"abc", 200},
                                           {"", 200}}) {
        for (const std::string method : {"GET", "HEAD"}) {
            const web::Response answer = ask({{"If-None-Match", row.tags}, {"Range", "bytes=20-"}}, method);
            // The condition comes before the range.
            EXPECT_EQ(answer.status, row.status == 200 && method == "GET" ? 416 : row.status) << row.tags;
            if (row.status == 304) {
                EXPECT_TRUE(answer.body.empty());
                EXPECT_EQ(value_of(answer, "ETag"), "\"abc\"");
                EXPECT_EQ(value_of(answer, "Content-Type"), "");
                EXPECT_EQ(value_of(answer, "Access-Control-Allow-Origin"), "*");
            }
        }
    }
}

TEST(Conditional, row_1_19_a_range_of_another_version_gives_the_whole) {
    EXPECT_EQ(ask({{"Range", "bytes=1-2"}, {"If-Range", "\"abc\""}}).status, 206);
    EXPECT_EQ(ask({{"Range", "bytes=1-2"}, {"If-Range", "\"old\""}}).status, 200);
    EXPECT_EQ(ask({{"Range", "bytes=1-2"}, {"If-Range", "W/\"abc\""}}).status, 200);
    EXPECT_EQ(ask({{"Range", "bytes=1-2"}, {"If-Range", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 200);
}

TEST(Conditional, a_version_that_is_not_the_wanted_one_is_refused) {
    EXPECT_EQ(ask({{"If-Match", "\"old\""}}).status, 412);
    EXPECT_EQ(ask({{"If-Match", "W/\"abc\""}}).status, 412);
    EXPECT_EQ(ask({{"If-Match", "\"old\", \"abc\""}}).status, 200);
    EXPECT_EQ(ask({{"If-Match", "*"}}).status, 200);
}

TEST(Conditional, head_has_no_ranges) {
    EXPECT_EQ(ask({{"Range", "bytes=1-2"}}, "HEAD").status, 200);
}

TEST(Conditional, an_answer_without_ranges_has_conditions_all_the_same) {
    for (const auto& [header, status] : std::vector<std::pair<web::Header, int>>{
             {{"Range", "bytes=1-2"}, 200}, {{"Range", "bytes=99-"}, 200}, {{"If-None-Match", "*"}, 304}}) {
        web::Request request;
        request.method = "GET";
        request.headers = {header};
        web::Response list = segment();
        list.headers.push_back({"Accept-Ranges", "none"});
        const web::Response answer = conditional(request, std::move(list));
        EXPECT_EQ(answer.status, status) << header.value;
        EXPECT_EQ(value_of(answer, "Accept-Ranges"), "none");
        EXPECT_EQ(value_of(answer, "Content-Range"), "");
    }
}

TEST(Conditional, answers_without_a_strong_tag_pass_as_they_are) {
    web::Request request;
    request.method = "GET";
    request.headers = {{"Range", "bytes=1-2"}, {"If-None-Match", "*"}};
    web::Response weak = web::Response::text(200, "0123");
    weak.headers.push_back({"ETag", "W/\"abc\""});
    EXPECT_EQ(conditional(request, std::move(weak)).status, 200);
    EXPECT_EQ(conditional(request, web::Response::text(200, "0123")).status, 200);
    EXPECT_EQ(conditional(request, web::Response::problem(404, "no")).status, 404);
    request.method = "POST";
    EXPECT_EQ(conditional(request, segment()).status, 200);
}

TEST(Conditional, a_part_shares_the_bytes_of_the_whole) {
    web::Request request;
    request.method = "GET";
    request.headers = {{"Range", "bytes=4-"}};
    web::Response whole = segment();
    const std::byte* const at = whole.body.data();
    EXPECT_EQ(conditional(request, std::move(whole)).body.data(), at + 4);
}

}   // namespace
}   // namespace millrace::http
