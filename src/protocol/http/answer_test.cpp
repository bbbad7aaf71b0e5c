#include "protocol/http/answer.hpp"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

std::string written(const web::Response& response, const Framing& framing) {
    std::vector<std::byte> out;
    if (write_head(out, response, framing)) {
        out.insert(out.end(), response.body.begin(), response.body.end());
    }
    const std::string text{as_text(out)};
    // Date is tested by itself.
    const std::size_t begin = text.find("Date: ");
    return text.substr(0, begin) + text.substr(text.find("\r\n", begin) + 2);
}

TEST(Answer, head_has_the_headers_of_get_and_no_body) {
    const auto response = web::Response::text(200, "hello", "a/b");
    EXPECT_EQ(written(response, {.head_only = true}),
              "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(written({}, {.head_only = true}), "HTTP/1.1 200 OK\r\n\r\n");
    web::Response large;
    large.headers = {{"content-length", "123"}};
    EXPECT_EQ(written(large, {.head_only = true}), "HTTP/1.1 200 OK\r\ncontent-length: 123\r\n\r\n");
    EXPECT_EQ(written(large, {}), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(Answer, no_content_has_neither_length_nor_body) {
    for (const int status : {204, 304}) {
        auto response = web::Response::text(status, "never seen", "a/b");
        const std::string text = written(response, {});
        EXPECT_EQ(text.find("Content-Length"), std::string::npos);
        EXPECT_TRUE(text.ends_with("\r\n\r\n"));
    }
}

TEST(Answer, framing_headers_of_a_route_and_split_headers_are_left_out) {
    web::Response response;
    response.headers = {{"Connection", "keep-alive"},
                        {"Transfer-Encoding", "chunked"},
                        {"DATE", "never"},
                        {"Location", "/a\r\nSet-Cookie: x"},
                        {"X\n", "y"},
                        {"", "y"},
                        {"X-Tab", "a\tb"}};
    EXPECT_EQ(written(response, {.keep_alive = false}),
              "HTTP/1.1 200 OK\r\nX-Tab: a\tb\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(Answer, a_header_with_a_control_character_anywhere_is_left_out) {
    const std::string plain = "a value\tof two dozen bytes \x80\xFF~";
    for (int code = 0; code < 256; ++code) {
        for (std::size_t at = 0; at < plain.size(); ++at) {
            web::Response response;
            response.headers = {{"X-Text", plain}};
            response.headers[0].value[at] = static_cast<char>(code);
            const bool control = (code < 0x20 && code != '\t') || code == 0x7F;
            EXPECT_EQ(written(response, {.head_only = true}).find("X-Text") == std::string::npos, control)
                << code << " at " << at;
        }
    }
}

TEST(Answer, an_endless_answer_ends_with_its_connection) {
    EXPECT_EQ(as_text(streaming_head(200, {{"Content-Type", "video/x-flv"}, {"Content-Length", "1"}})),
              "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n");
}

TEST(Answer, a_switch_of_protocols_says_into_what) {
    EXPECT_EQ(as_text(switching_head({{"Upgrade", "websocket"}, {"Connection", "Upgrade"}})),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    web::Response wanted;
    wanted.status = 426;
    wanted.headers = {{"Upgrade", "websocket"}};
    EXPECT_NE(written(wanted, {}).find("Connection: upgrade\r\n"), std::string::npos);
}

TEST(Answer, dates_are_imf_fixdates) {
    EXPECT_EQ(date_text({0}), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(date_text({1'709'210'096'999'999}), "Thu, 29 Feb 2024 12:34:56 GMT");
}

}   // namespace
}   // namespace millrace::http
