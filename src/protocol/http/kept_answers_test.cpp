#include "protocol/http/kept_answers.hpp"

#include "protocol/http/answer.hpp"
#include "protocol/http/conditional.hpp"
#include "protocol/http/content_coding.hpp"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

web::Request asking(std::vector<web::Header> headers, std::string method = "GET") {
    return {.method = std::move(method), .path = "/", .headers = std::move(headers)};
}

/// Answers a list, as what makes one for anybody does.
class ListAnswers {
public:
    web::Response answer(const web::Request& request) {
        const std::string question = question_of(request);
        std::optional<web::Response> known = kept.find(question);
        return known ? *std::move(known) : kept.keep(question, made(request));
    }
    web::Response made(const web::Request& request) {
        ++times_made;
        web::Response response =
            web::Response::text(200, std::string(2000, 'x'), "application/vnd.apple.mpegurl");
        response.headers.push_back({"ETag", "\"abc\""});
        response.headers.push_back({"X-Split", "a\r\nb"});
        return conditional(request, encoded(request, std::move(response)));
    }

    KeptAnswers kept;
    int times_made = 0;
};

/// The whole message.
std::string written(const web::Request& request, const web::Response& response) {
    std::vector<std::byte> out;
    if (write_head(out, response, {.head_only = request.method == "HEAD"})) {
        out.insert(out.end(), response.body.begin(), response.body.end());
    }
    return std::string{as_text(out)};
}

TEST(KeptAnswers, are_the_same_bytes_as_answers_that_are_made) {
    const std::vector<web::Request> requests{
        asking({}),
        asking({}, "HEAD"),
        asking({{"Accept-Encoding", "gzip"}}),
        asking({{"accept-encoding", "gzip"}, {"If-None-Match", "\"abc-gzip\""}}),
        asking({{"If-None-Match", "W/\"abc\""}}),
        asking({{"If-None-Match", "\"other\""}}),
        asking({{"If-Match", "\"other\""}}),
        asking({{"Range", "bytes=0-9"}}),
        asking({{"Range", "bytes=0-9"}}, "HEAD"),
        asking({{"Range", "bytes=0-9"}, {"If-Range", "\"old\""}}),
        asking({{"Range", "bytes=9999-"}}),
    };
    ListAnswers plain;
    for (const web::Request& request : requests) {
        ListAnswers kept;
        const std::string made = written(request, plain.made(request));
        EXPECT_EQ(written(request, kept.answer(request)), made);
        EXPECT_EQ(written(request, kept.answer(request)), made);
        EXPECT_EQ(kept.times_made, 1);
        EXPECT_TRUE(kept.answer(request).settled);
    }
}

TEST(KeptAnswers, depend_on_all_that_a_request_asks_for_and_on_nothing_else) {
    EXPECT_EQ(question_of(asking({{"Host", "a"}, {"User-Agent", "b"}})),
              question_of(asking({{"Cookie", "c"}})));
    EXPECT_EQ(question_of(asking({{"RANGE", "bytes=0-"}})), question_of(asking({{"Range", "bytes=0-"}})));
    const std::vector<web::Request> different{
        asking({}),
        asking({}, "HEAD"),
        asking({{"Accept", "a/b"}}),
        asking({{"Accept-Encoding", "gzip"}}),
        asking({{"Accept-Encoding", "gzip"}, {"Accept-Encoding", "identity;q=1"}}),
        asking({{"If-Match", "\"a\""}}),
        asking({{"If-None-Match", "\"a\""}}),
        asking({{"If-Range", "\"a\""}}),
        asking({{"Range", "bytes=0-1"}}),
    };
    for (std::size_t i = 0; i < different.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            EXPECT_NE(question_of(different[i]), question_of(different[j])) << i << " and " << j;
        }
    }
}

TEST(KeptAnswers, are_few_and_short) {
    ListAnswers answers;
    for (int i = 0; i < 100; ++i) {
        (void)answers.answer(asking({{"Accept", std::to_string(i)}}));
        EXPECT_LE(answers.kept.size(), KeptAnswers::answers_max);
    }
    EXPECT_EQ(answers.times_made, 100);
    answers.kept.clear();
    (void)answers.answer(asking({{"Accept", std::string(KeptAnswers::question_size_max, 'a')}}));
    EXPECT_EQ(answers.kept.size(), 0U);
}

}   // namespace
}   // namespace millrace::http
