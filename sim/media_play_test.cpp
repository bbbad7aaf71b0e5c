#include "base/waiting.hpp"
#include "sim/publisher.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"
#include "sim/web_socket_viewer.hpp"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

Task<> converse(World& world, std::string request, std::string& answer) {
    const auto connection = world.connect_http({});
    const ByteSpan bytes = as_bytes(request);
    (void)connection->try_write(std::span{&bytes, 1});
    const Instant until = world.now() + 500ms;
    for (;;) {
        const Result<> ready = co_await readable(*connection, world.clients(), until);
        std::array<std::byte, 4096> buffer;
        const Result<std::size_t> count =
            ready ? connection->try_read(buffer) : fail(Errc::timed_out, "over");
        if (!count) {
            co_return;
        }
        answer += as_text(std::span{buffer}.first(*count));
    }
}

/// What comes within half a second.
std::string ask(World& world, std::string_view line, std::string_view headers = {}) {
    std::string answer;
    world.start(converse(world, fmt::format("{} HTTP/1.1\r\nHost: x\r\n{}\r\n", line, headers), answer));
    world.run_for(600ms);
    return answer;
}
int status_of(std::string_view answer) {
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string{answer.substr(9, 3)}) : 0;
}
bool says(std::string_view answer, std::string_view text) {
    return answer.find(text) != std::string_view::npos;
}

/// A world with a stream that is live.
struct Live {
    explicit Live(CameraPlan camera = {}) {
        world.add<Publisher>(Publisher::Plan{.camera = camera, .length = 120s});
        world.run_for(1500ms);
    }
    World world{1};
};

TEST(MediaPlay, row_1_10_head_says_the_type_of_each_form_and_starts_nothing) {
    Live live;
    for (const auto& [ending, type] : std::vector<std::pair<std::string, std::string>>{
             {"flv", "video/x-flv"}, {"ts", "video/mp2t"}, {"mp4", "video/mp4"}}) {
        const std::string head = ask(live.world, "HEAD /live/cam." + ending);
        EXPECT_EQ(status_of(head), 200) << head;
        EXPECT_TRUE(says(head, "Content-Type: " + type + "\r\n")) << head;
        EXPECT_TRUE(says(head, "Cache-Control: no-store\r\n")) << head;
        EXPECT_TRUE(says(head, "Access-Control-Allow-Origin: *\r\n")) << head;
        EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
        EXPECT_EQ(status_of(ask(live.world, "HEAD /live/other." + ending)), 404);
    }
    EXPECT_EQ(live.world.held().mirrors, 0U);
}

TEST(MediaPlay, each_form_is_played_over_http) {
    Live live;
    for (const auto& [ending, first] : std::vector<std::pair<std::string, std::string>>{
             {"flv", "FLV"}, {"ts", "G"}, {"mp4", std::string{"\0\0\0", 3}}}) {
        const std::string answer = ask(live.world, "GET /live/cam." + ending, "Range: bytes=0-9\r\n");
        EXPECT_EQ(status_of(answer), 200);
        const std::size_t body = answer.find("\r\n\r\n") + 4;
        EXPECT_TRUE(std::string_view{answer}.substr(body).starts_with(first)) << ending;
        EXPECT_GT(answer.size(), body + 500) << ending;
        EXPECT_FALSE(says(answer.substr(0, body), "\r\nContent-Length")) << ending;
    }
}

TEST(MediaPlay, tracks_are_chosen_and_a_choice_of_nothing_is_415) {
    Live live{{.audio = false}};
    EXPECT_EQ(status_of(ask(live.world, "GET /live/cam.flv?tracks=video")), 200);
    for (const std::string ending : {"flv", "ts", "mp4"}) {
        const std::string answer = ask(live.world, "GET /live/cam." + ending + "?tracks=audio");
        EXPECT_EQ(status_of(answer), 415) << answer;
        EXPECT_TRUE(says(answer, "none of the stream's tracks")) << answer;
        EXPECT_TRUE(says(answer, "Access-Control-Allow-Origin: *\r\n")) << "the page may read why";
    }
    EXPECT_EQ(status_of(ask(live.world, "GET /live/cam.flv?tracks=smell")), 400);
}

TEST(MediaPlay, case_55_preflights_and_wrong_methods_are_answered) {
    Live live;
    const std::string preflight = ask(live.world, "OPTIONS /live/cam.mp4",
                                      "Origin: http://a\r\nAccess-Control-Request-Method: GET\r\n");
    EXPECT_EQ(status_of(preflight), 204);
    EXPECT_TRUE(says(preflight, "Allow: GET, HEAD, OPTIONS\r\n")) << preflight;
    EXPECT_TRUE(says(preflight, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n")) << preflight;
    EXPECT_TRUE(says(preflight, "Access-Control-Max-Age: ")) << preflight;
    const std::string post = ask(live.world, "POST /live/cam.mp4");
    EXPECT_EQ(status_of(post), 405);
    EXPECT_TRUE(says(post, "Allow: GET, HEAD, OPTIONS\r\n")) << post;
}

constexpr std::string_view upgrade =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST(MediaPlay, row_2_15_a_websocket_opens_for_a_stream_that_is_there) {
    Live live;
    const std::string opened = ask(live.world, "GET /live/cam.mp4?tracks=video",
                                   std::string{upgrade} + "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    EXPECT_EQ(status_of(opened), 101) << opened;
    const std::size_t head_end = opened.find("\r\n\r\n") + 4;
    EXPECT_TRUE(says(opened, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    EXPECT_FALSE(says(opened.substr(0, head_end), "Extensions"));
    EXPECT_EQ(opened.at(head_end), '\x81') << "first of all a text message";
    EXPECT_TRUE(says(opened, R"({"t":"tracks","type":"video/mp4; codecs=\"avc1.)"));
    EXPECT_FALSE(says(opened, "mp4a")) << "only video was asked for";

    EXPECT_EQ(status_of(ask(live.world, "GET /live/other.mp4", upgrade)), 404);
    std::string old{upgrade};
    old.replace(old.find("13"), 2, "8");
    EXPECT_EQ(status_of(ask(live.world, "GET /live/cam.mp4", old)), 426);
    EXPECT_EQ(status_of(ask(live.world, "GET /live/cam.mp4", "Upgrade: websocket\r\n")), 400);
}

TEST(MediaPlay, over_a_websocket_every_unit_comes_once_in_order_at_its_time) {
    World world{1};
    world.add<Publisher>(Publisher::Plan{});
    const WebSocketViewer& viewer = watch_web_socket(world, {.after = 1s});
    world.run_for(24s);
    EXPECT_EQ(viewer.state(), Viewer::State::ended);
    EXPECT_EQ(viewer.close_code(), ws::CloseCode::normal);
    EXPECT_GT(viewer.messages(), 150U);
    EXPECT_EQ(verdict_of(viewer.account(), {.units_min = 150, .skew_max_ms = 1, .delay_max = 60ms}), "");
    EXPECT_EQ(world.held(), Machine::Held{});
}

TEST(MediaPlay, over_websockets_on_any_link_nothing_is_lost_doubled_or_cut) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed, {.workers = 1 + seed % 3, .grace = 1s}};
        Random& chance = world.chance();
        world.add<Publisher>(Publisher::Plan{.length = 4s, .link = any_link(chance)});
        std::vector<const WebSocketViewer*> viewers;
        for (int i = 0; i < 4; ++i) {
            viewers.push_back(
                &watch_web_socket(world, {.after = between(chance, 0ms, 3s), .link = any_link(chance)}));
        }
        world.run_for(40s);
        for (const WebSocketViewer* viewer : viewers) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 0, .skew_max_ms = 1}), "");
            EXPECT_NE(viewer->state(), Viewer::State::joining);
        }
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

}   // namespace
}   // namespace millrace::sim
