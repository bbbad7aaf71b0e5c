#include "protocol/http/content_coding.hpp"

#include "protocol/http/conditional.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace millrace::http {
namespace {

constexpr std::string_view list_type = "application/vnd.apple.mpegurl";

std::string long_text() {
    std::string text{"#EXTM3U\n"};
    for (int i = 0; i < 100; ++i) {
        text += fmt::format("#EXTINF:2.000,\nsegments/{}.ts\n", i);
    }
    return text;
}

web::Request asking(std::vector<web::Header> headers, std::string method = "GET") {
    return {.method = std::move(method), .path = "/", .headers = std::move(headers)};
}

web::Response list(std::string_view type = list_type) {
    web::Response response = web::Response::text(200, long_text(), type);
    response.headers.push_back({"ETag", "\"abc\""});
    return response;
}

std::string value_of(const web::Response& response, std::string_view name) {
    std::string all;
    for (const auto& header : response.headers) {
        if (web::same_name(header.name, name)) {
            all += (all.empty() ? "" : ", ") + header.value;
        }
    }
    return all;
}

/// As any client does it.
std::string gunzip(const Bytes& coded) {
    std::string text(1U << 20U, '\0');
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    std::vector<std::byte> input(coded.begin(), coded.end());
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    EXPECT_EQ(stream.avail_in, 0U);
    text.resize(stream.total_out);
    inflateEnd(&stream);
    return text;
}

TEST(ContentCoding, gzip_is_used_where_the_client_takes_it) {
    struct Row {
        std::string_view accepts;
        bool gzip;
    };
    for (const Row& row : std::vector<Row>{{"gzip", true},
                                           {"GZip", true},
                                           {"x-gzip", true},
                                           {"gzip, deflate, br", true},
                                           {"deflate , gzip;q=1.0, *;q=0.5", true},
                                           {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
                                           {"gzip ; Q=0.001", true},
                                           {"*", true},
                                           {"*;q=0.5, identity;q=0.5", true},
                                           {"identity;q=0, gzip;q=0.2", true},
                                           {",,gzip,", true},
                                           {"", false},
                                           {"identity", false},
                                           {"br", false},
                                           {"gzipped", false},
                                           {"gzip;q=0", false},
                                           {"gzip;q=0.0", false},
                                           {"gzip; q=0.000, *", false},
                                           {"*;q=0", false},
                                           {"identity, gzip;q=0.5", false},
                                           {"gzip;q=0.5, identity;q=0.6", false},
                                           {"gzip;q=2", false},
                                           {"gzip;q=0.1234", false},
                                           {"gzip;q=", false},
                                           {"gzip;q=-1", false},
                                           {"gzip;q=1.5", false},
                                           {"gzip;what", false},
                                           {";q=1", false},
                                           {"gzip=q;0", false}}) {
        const web::Response answer = encoded(asking({{"accept-encoding", std::string{row.accepts}}}), list());
        EXPECT_EQ(value_of(answer, "Content-Encoding"), row.gzip ? "gzip" : "") << row.accepts;
        EXPECT_EQ(value_of(answer, "Vary"), "Accept-Encoding") << row.accepts;
        EXPECT_EQ(value_of(answer, "ETag"), row.gzip ? "\"abc-gzip\"" : "\"abc\"") << row.accepts;
        EXPECT_EQ(row.gzip ? gunzip(answer.body) : as_text(answer.body), long_text()) << row.accepts;
    }
    EXPECT_TRUE(accepts_gzip(asking({{"Accept-Encoding", "br"}, {"Accept-Encoding", "gzip"}})));
    EXPECT_FALSE(accepts_gzip(asking({})));
}

TEST(ContentCoding, only_texts_are_coded) {
    struct Row {
        std::string_view type;
        bool gzip;
    };
    for (const Row& row : std::vector<Row>{{"application/vnd.apple.mpegurl", true},
                                           {"application/x-mpegURL", true},
                                           {"application/json", true},
                                           {"application/json; charset=utf-8", true},
                                           {"text/html; charset=utf-8", true},
                                           {"text/plain; version=0.0.4", true},
                                           {"Text/CSS", true},
                                           {"video/mp4", false},
                                           {"video/mp2t", false},
                                           {"image/png", false},
                                           {"application/octet-stream", false},
                                           {"", false}}) {
        const web::Response answer = encoded(asking({{"Accept-Encoding", "gzip"}}), list(row.type));
        EXPECT_EQ(value_of(answer, "Content-Encoding"), row.gzip ? "gzip" : "") << row.type;
        EXPECT_EQ(value_of(answer, "Vary"), row.gzip ? "Accept-Encoding" : "") << row.type;
    }
}

TEST(ContentCoding, what_is_small_coded_refused_or_asked_for_in_part_stays_as_it_is) {
    const auto request = asking({{"Accept-Encoding", "gzip"}});
    const auto is_plain = [](const web::Response& response) {
        return value_of(response, "Content-Encoding") != "gzip";
    };
    const std::string text(coded_size_min, 'a');
    EXPECT_FALSE(is_plain(encoded(request, web::Response::text(200, text))));
    const web::Response small = encoded(request, web::Response::text(200, text.substr(1)));
    EXPECT_TRUE(is_plain(small));
    EXPECT_EQ(value_of(small, "Vary"), "Accept-Encoding");
    EXPECT_TRUE(is_plain(encoded(request, web::Response::text(404, text))));
    web::Response packed = list();
    packed.headers.push_back({"Content-Encoding", "br"});
    packed = encoded(request, std::move(packed));
    EXPECT_EQ(value_of(packed, "Content-Encoding"), "br");
    EXPECT_EQ(value_of(packed, "Vary"), "");
    EXPECT_TRUE(is_plain(encoded(asking({{"Accept-Encoding", "gzip"}, {"Range", "bytes=0-9"}}), list())));
    std::string noise;   // of a linear congruential generator: nothing in it to be gained
    std::uint64_t state = 1;
    for (int i = 0; i < 600; ++i) {
        state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        noise += static_cast<char>(state >> 56U);
    }
    EXPECT_EQ(as_text(encoded(request, web::Response::text(200, noise)).body), noise);
}

TEST(ContentCoding, vary_is_said_once_beside_other_reasons) {
    const auto request = asking({});
    web::Response answer = list();
    answer.headers.push_back({"Vary", "Origin"});
    answer = encoded(request, encoded(request, std::move(answer)));
    EXPECT_EQ(value_of(answer, "Vary"), "Origin, Accept-Encoding");
    web::Response said = list();
    said.headers.push_back({"vary", "origin , accept-encoding"});
    EXPECT_EQ(value_of(encoded(request, std::move(said)), "Vary"), "origin , accept-encoding");
}

TEST(ContentCoding, head_says_what_get_says) {
    const std::vector<web::Header> headers{{"Accept-Encoding", "gzip"}};
    const web::Response got = encoded(asking(headers), list());
    const web::Response head = encoded(asking(headers, "HEAD"), list());
    EXPECT_EQ(head.body.size(), got.body.size());
    EXPECT_EQ(value_of(head, "ETag"), value_of(got, "ETag"));
    EXPECT_EQ(value_of(head, "Content-Encoding"), "gzip");
}

TEST(ContentCoding, each_form_is_known_by_its_own_tag) {
    struct Row {
        std::string_view accepts;
        std::string_view known;
        int status;
    };
    for (const Row& row : std::vector<Row>{{"gzip", "\"abc-gzip\"", 304},
                                           {"gzip", "\"abc\"", 200},
                                           {"identity", "\"abc\"", 304},
                                           {"identity", "\"abc-gzip\"", 200}}) {
        const auto request = asking(
            {{"Accept-Encoding", std::string{row.accepts}}, {"If-None-Match", std::string{row.known}}});
        const web::Response answer = conditional(request, encoded(request, list()));
        EXPECT_EQ(answer.status, row.status) << row.accepts << row.known;
        EXPECT_EQ(value_of(answer, "Vary"), "Accept-Encoding");
        if (row.status == 304) {
            EXPECT_EQ(value_of(answer, "ETag"), row.known);
            EXPECT_EQ(value_of(answer, "Content-Encoding"), "");
        }
    }
}

TEST(ContentCoding, a_text_for_many_is_coded_once) {
    const auto request = asking({{"Accept-Encoding", "gzip"}});
    std::optional<Bytes> kept;
    const web::Response first = encoded(request, list(), &kept);
    ASSERT_TRUE(kept);
    const web::Response second = encoded(request, list(), &kept);
    EXPECT_EQ(first.body.data(), second.body.data());
    EXPECT_EQ(gzip(as_bytes(long_text())), *kept);
}

}   // namespace
}   // namespace millrace::http
