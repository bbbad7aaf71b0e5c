#include "session/page.hpp"

#include "base/virtual_time.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::session {
namespace {

constexpr std::string_view text_type = "text/html; charset=utf-8";
constexpr PageFile files[]{
    {"/assets/11/main.js", "text/javascript; charset=utf-8", "script", "packed", "11"},
    {"/assets/22/icon.svg", "image/svg+xml", "<svg/>", "", "22"},
    {"/list.html", text_type, "list of @RTMP_PORT@", "", "33"},
    {"/player.html", text_type, "player at @ROOT@", "", "44"},
    {"/assets/embedded.js", "text/javascript; charset=utf-8", "element", "", "55"},
};

class Page : public testing::Test {
protected:
    web::Response get(std::string path, std::string encoding = {}) {
        web::Response response{.status = 404};
        const auto found =
            std::ranges::find_if(routes_, [&](const web::Route& one) { return one.matches(path); });
        if (found != routes_.end()) {
            request_ = {.method = "GET", .path = std::move(path)};
            request_.headers.push_back({"Accept-Encoding", std::move(encoding)});
            executor_.run([&] { executor_.tasks().spawn(ask(*found, response)); });
            time_.settle();
        }
        return response;
    }
    Task<> ask(const web::Route& route, web::Response& response) {
        response = co_await route.answer(request_, executor_);
    }
    static std::string header(const web::Response& response, std::string_view name) {
        const auto found =
            std::ranges::find_if(response.headers, [&](const auto& one) { return one.name == name; });
        return found == response.headers.end() ? "" : found->value;
    }

    VirtualTime time_;
    VirtualExecutor& executor_ = time_.add_executor();
    std::vector<web::Route> routes_ = page_routes(files, {.rtmp_port = 1936});
    web::Request request_;
};

TEST_F(Page, lists_at_the_root_and_says_the_port_of_rtmp) {
    const web::Response response = get("/");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(as_text(response.body), "list of 1936");
    EXPECT_EQ(header(response, "ETag"), "\"33-1936-0\"");
    EXPECT_EQ(header(response, "Cache-Control"), "no-cache");
}

TEST_F(Page, says_where_links_come_and_by_what_certificate_they_know_the_node) {
    static constexpr PageFile pages[]{{"/list.html", text_type, "list", "", "33"},
                                      {"/player.html", text_type, "links at @KCP@", "", "44"}};
    const std::string fingerprint(64, 'a');
    routes_ = page_routes(pages, {.kcp_port = 8911, .kcp_fingerprint = fingerprint});
    const web::Response response = get("/cam");
    EXPECT_EQ(as_text(response.body), "links at 8911 " + fingerprint);
    EXPECT_TRUE(header(response, "ETag").ends_with("-8911-aaaaaaaaaaaaaaaa\""));
}

TEST_F(Page, plays_at_every_name_a_stream_may_have_and_nowhere_else) {
    for (const char* path : {"/cam", "/live/cam", "/a/b/c/d/e/f/g/h", "/~x/y-z_0.1"}) {
        EXPECT_TRUE(as_text(get(path).body).starts_with("player")) << path;
    }
    for (const char* path : {"/live/cam.flv", "/live/cam/index.m3u8", "/live/cam/segments/x", "//", "/live/",
                             "/api/v1/nothing", "/metrics", "/<img src=x onerror=alert(1)>", "/a/../b",
                             "/assets/11/other.js", "/list.html/", "/a/b/c/d/e/f/g/h/i"}) {
        EXPECT_EQ(get(path).status, 404) << path;
    }
}

TEST_F(Page, finds_its_files_by_relative_addresses_so_that_it_works_below_another_path) {
    EXPECT_EQ(as_text(get("/cam").body), "player at ./");
    EXPECT_EQ(as_text(get("/live/cam").body), "player at ./../");
    EXPECT_EQ(as_text(get("/a/b/c/d/e/f/g/h").body), "player at ./../../../../../../../");
    EXPECT_NE(header(get("/cam"), "ETag"), header(get("/live/cam"), "ETag"));
}

TEST_F(Page, pages_of_any_origin_may_load_the_player_whose_name_lasts) {
    const web::Response element = get("/assets/embedded.js");
    EXPECT_EQ(header(element, "Cache-Control"), "no-cache");
    EXPECT_EQ(header(element, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(header(element, "Cross-Origin-Resource-Policy"), "cross-origin");
    EXPECT_EQ(header(get("/live/cam"), "Access-Control-Allow-Origin"), "");
}

TEST_F(Page, row_1_32_every_answer_forbids_what_is_inline_or_from_elsewhere) {
    for (const char* path : {"/", "/live/cam", "/assets/11/main.js"}) {
        const web::Response response = get(path);
        const std::string policy = header(response, "Content-Security-Policy");
        EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';")) << policy;
        EXPECT_EQ(policy.find("unsafe"), std::string::npos);
        EXPECT_NE(policy.find("frame-ancestors 'self'"), std::string::npos);
        EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    }
}

TEST_F(Page, assets_never_change_and_are_packed_for_who_takes_it) {
    const web::Response plain = get("/assets/11/main.js");
    EXPECT_EQ(as_text(plain.body), "script");
    EXPECT_EQ(header(plain, "Cache-Control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(header(plain, "Content-Encoding"), "");
    const web::Response packed = get("/assets/11/main.js", "br, gzip");
    EXPECT_EQ(as_text(packed.body), "packed");
    EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
    EXPECT_NE(header(packed, "ETag"), header(plain, "ETag"));
    EXPECT_EQ(header(packed, "Vary"), "Accept-Encoding");
    EXPECT_EQ(as_text(get("/assets/11/main.js", "gzip;q=0").body), "script");
}

TEST_F(Page, has_an_icon_and_words_for_robots) {
    EXPECT_EQ(header(get("/favicon.ico"), "Content-Type"), "image/svg+xml");
    EXPECT_EQ(as_text(get("/robots.txt").body), "User-agent: *\nDisallow: /\n");
}

TEST_F(Page, a_program_without_the_page_has_no_addresses_for_it) {
    routes_ = page_routes({}, {});
    EXPECT_EQ(get("/").status, 404);
    EXPECT_EQ(get("/live/cam").status, 404);
}

}   // namespace
}   // namespace millrace::session
