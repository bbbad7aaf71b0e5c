#include "session/http_serve.hpp"

#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"
#include "hub/directory.hpp"
#include "protocol/http/answer.hpp"
#include "session/watched_connection_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// Lets anyone in.
class OpenHouse final : public hub::Admission {
public:
    void decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{});
    }
};

constexpr std::string_view get_root = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server with a few routes, and a client that the test drives by hand.
class HttpServe : public testing::Test {
protected:
    HttpServe() {
        routes_ = {root_route(),  live_route(),    upload_route(),
                   large_route(), segment_route(), petition_route()};
    }

    void connect(VirtualLink to_server = {}, VirtualLink to_client = {}) {
        auto [client, server] = virtual_connection(client_side_, server_side_, to_server, to_client);
        client_ = std::move(client);
        server_side_.run([&, connection = std::move(server)]() mutable {
            auto watched =
                std::make_unique<toys::WatchedConnection>(std::move(connection), let_in_, &writes_);
            server_side_.tasks().spawn(http_serve(desk_, std::move(watched), routes_));
        });
        time_.settle();
    }
    void send(std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        const auto sent = client_->try_write(std::span{&bytes, 1});
        ASSERT_TRUE(sent);
        ASSERT_EQ(*sent, text.size());
        time_.settle();
    }
    /// All that has arrived.
    std::string read() {
        std::string text;
        std::array<std::byte, 4096> buffer;
        for (;;) {
            const auto count = client_->try_read(buffer);
            if (!count) {
                ended_ = count.error().code == Errc::closed;
                return text;
            }
            text += as_text(std::span{buffer}.first(*count));
            time_.settle();
        }
    }
    std::string exchange(std::string_view request) {
        send(request);
        return read();
    }
    bool ended() {
        read();
        return ended_;
    }
    std::size_t conversations() { return server_side_.tasks().size(); }

    VirtualTime time_;
    VirtualExecutor& server_side_ = time_.add_executor();
    VirtualExecutor& client_side_ = time_.add_executor();
    SeededRandom random_{1};
    hub::Directory directory_{{}, random_};
    OpenHouse admission_;
    Desk desk_{server_side_, directory_, admission_, random_};
    std::vector<web::Route> routes_;
    unsigned let_in_ = 0;
    unsigned writes_ = 0;   // to the client
    std::unique_ptr<Connection> client_;
    bool ended_ = false;
    int started_ = 0;   // endless answers
    std::string taken_;

private:
    static Task<web::Response> say(std::string text) { co_return web::Response::text(200, text); }

    web::Route root_route() {
        return {{"GET"},
                [](std::string_view path) { return path == "/"; },
                [](const web::Request& request, Executor&) {
                    return say(fmt::format("{} {}", request.peer.text(), request.method));
                }};
    }
    /// An endless answer, as FLV is.
    web::Route live_route() {
        return {{"GET"},
                [](std::string_view path) { return path == "/live.flv"; },
                [this](const web::Request& request, Executor&) { return live(request); }};
    }
    Task<web::Response> live(const web::Request& request) {
        web::Response response;
        response.headers = {{"Content-Type", "video/x-flv"}};
        if (request.method == "GET") {
            response.takeover = [this](std::unique_ptr<Connection> connection,
                                       std::vector<std::byte> read_ahead) {
                return stream(std::move(connection), std::move(read_ahead));
            };
        }
        co_return response;
    }
    Task<> stream(std::unique_ptr<Connection> connection, std::vector<std::byte> read_ahead) {
        ++started_;
        taken_ = as_text(read_ahead);
        const auto head = http::streaming_head(200, {{"Content-Type", "video/x-flv"}});
        const std::array<ByteSpan, 2> slices{head, as_bytes("FLV")};
        EXPECT_TRUE(connection->try_write(slices));
        co_return;
    }
    static web::Route upload_route() {
        return {{"POST", "PUT"},
                [](std::string_view path) { return path == "/upload"; },
                [](const web::Request& request, Executor&) { return say(request.body); }};
    }
    /// More than the client's window.
    static web::Route large_route() {
        return {{"GET"},
                [](std::string_view path) { return path == "/large"; },
                [](const web::Request&, Executor&) { return say(std::string(300U << 10U, 'x')); }};
    }
    /// What never changes: it has a strong ETag.
    static web::Route segment_route() {
        return {{"GET"},
                [](std::string_view path) { return path == "/segment"; },
                [](const web::Request&, Executor&) { return segment(); }};
    }
    /// What asks whether it may.
    web::Route petition_route() {
        return {{"GET"},
                [](std::string_view path) { return path == "/mine"; },
                [this](const web::Request& request, Executor&) { return ask(request); }};
    }
    Task<web::Response> ask(const web::Request& request) {
        const auto admitted =
            co_await hub::ask(admission_, hub::petition_of(request, hub::Action::play, "http"), server_side_);
        co_return web::Response::text(admitted ? 200 : 403, "");
    }
    static Task<web::Response> segment() {
        web::Response response = web::Response::text(200, "0123456789", "video/mp4");
        response.headers.push_back({"ETag", "\"abc\""});
        co_return response;
    }
};

int status_of(std::string_view answer) {
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string{answer.substr(9, 3)}) : 0;
}

/// Nagle and a delayed acknowledgement make 40 ms of every answer that leaves in two writes.
TEST_F(HttpServe, a_thousand_requests_on_one_connection_are_a_thousand_writes_and_no_wait) {
    connect();
    const Instant begin = time_.now();
    for (int i = 0; i < 500; ++i) {
        EXPECT_TRUE(exchange("GET /segment HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
        EXPECT_TRUE(exchange("GET /segment HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"abc\"\r\n\r\n")
                        .starts_with("HTTP/1.1 304 "));
    }
    EXPECT_EQ(writes_, 1000U);
    EXPECT_EQ(time_.now(), begin);
}

TEST_F(HttpServe, answers_many_requests_on_one_connection) {
    connect();
    const std::string answer = exchange(get_root);
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n192.0.2.1:40000 GET")) << answer;
    EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
    const std::string two = exchange(std::string{get_root} + std::string{get_root});
    EXPECT_NE(two.find("HTTP/1.1 200", 10), std::string::npos);
    EXPECT_TRUE(
        exchange("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").ends_with("abc"));
    EXPECT_FALSE(ended());
    exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(ended());
    EXPECT_EQ(conversations(), 0U);
}

TEST_F(HttpServe, answers_a_client_that_closes_its_end_early) {
    connect({.delay = 10ms});
    send(get_root);
    time_.run_for(1s);
    EXPECT_EQ(status_of(read()), 200);
    client_->close();
    time_.run_for(1s);
    EXPECT_EQ(conversations(), 0U);
}

TEST_F(HttpServe, says_continue_while_a_body_is_under_way) {
    connect();
    EXPECT_EQ(
        exchange("PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
        "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(exchange("ab").ends_with("ab"));
}

TEST_F(HttpServe, case_55_every_method_on_every_route_is_answered_and_starts_nothing) {
    struct Row {
        std::string_view method;
        std::string_view path;
        int status;
        std::string_view allow;
    };
    const std::vector<Row> rows{
        {"HEAD", "/", 200, ""},
        {"OPTIONS", "/", 204, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"TRACE", "/", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"BREW", "/", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"get", "/", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"HEAD", "/live.flv", 200, ""},
        {"OPTIONS", "/live.flv", 204, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"TRACE", "/live.flv", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"POST", "/live.flv", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"DELETE", "/live.flv", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"BREW", "/live.flv", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"HEAD", "/upload", 405, "Allow: POST, PUT, OPTIONS\r\n"},
        {"GET", "/upload", 405, "Allow: POST, PUT, OPTIONS\r\n"},
        {"HEAD", "/segment", 200, "Content-Length: 10\r\n"},
        {"OPTIONS", "*", 204, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"GET", "/nothing", 404, ""},
        {"HEAD", "/nothing", 404, ""},
        {"OPTIONS", "/nothing", 404, ""},
        {"BREW", "/nothing", 404, ""},
    };
    connect();
    for (const auto& row : rows) {
        const std::string answer =
            exchange(fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n\r\n", row.method, row.path));
        EXPECT_EQ(status_of(answer), row.status) << row.method << " " << row.path << "\n" << answer;
        EXPECT_NE(answer.find(row.allow), std::string::npos) << row.method << " " << row.path << "\n"
                                                             << answer;
        if (row.method == "HEAD") {
            EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
        }
    }
    EXPECT_EQ(started_, 0);
    EXPECT_FALSE(ended()) << "each answer left the connection usable";
}

TEST_F(HttpServe, case_66_a_coded_body_is_refused_everywhere) {
    connect();
    for (const char* path : {"/upload", "/", "/nothing"}) {
        for (const char* coding : {"gzip", "deflate", "br", "gzip, identity", "x"}) {
            const std::string answer = exchange(fmt::format(
                "POST {} HTTP/1.1\r\nHost: x\r\nContent-Encoding: {}\r\nContent-Length: 3\r\n\r\nabc", path,
                coding));
            EXPECT_EQ(status_of(answer), 415) << path << " " << coding;
            EXPECT_NE(answer.find("Accept-Encoding: identity\r\n"), std::string::npos) << answer;
            EXPECT_NE(answer.find("application/problem+json"), std::string::npos) << answer;
        }
    }
    EXPECT_EQ(status_of(exchange("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Encoding: Identity\r\n"
                                 "Content-Length: 3\r\n\r\nabc")),
              200);
    EXPECT_FALSE(ended());
}

TEST_F(HttpServe, routes_see_the_client_behind_a_trusted_proxy) {
    const std::string_view forwarded = "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n";
    connect();
    EXPECT_TRUE(exchange(forwarded).ends_with("192.0.2.1:40000 GET")) << "nobody is trusted";
    Settings settings;
    settings.trusted_proxies = {*IpPrefix::parse("192.0.2.0/24")};
    desk_.settings = std::make_shared<const Settings>(std::move(settings));
    EXPECT_TRUE(exchange(forwarded).ends_with("203.0.113.7:0 GET")) << "from the next request on";
}

TEST_F(HttpServe, a_connection_is_a_stranger_s_until_a_petition_is_granted) {
    connect();
    exchange(get_root);
    EXPECT_EQ(let_in_, 0U) << "what needs no right lets nobody in";
    exchange("GET /mine HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_GT(let_in_, 0U);
}

TEST_F(HttpServe, too_many_requests_at_once_are_refused_for_a_second) {
    connect();
    desk_.requests_under_way = HttpServeLimits::requests_under_way_max;
    const std::string answer = exchange(get_root);
    EXPECT_EQ(status_of(answer), 503);
    EXPECT_NE(answer.find("Retry-After: 1\r\n"), std::string::npos) << answer;
    desk_.requests_under_way = 0;
    EXPECT_EQ(status_of(exchange(get_root)), 200);
    EXPECT_EQ(desk_.requests_under_way, 0U);
}

TEST_F(HttpServe, answers_and_broken_conversations_are_counted) {
    connect();
    exchange(get_root);
    exchange("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    exchange("GET /live.flv HTTP/1.1\r\nHost: x\r\n\r\n");
    connect();
    exchange("nonsense\r\n\r\n");
    time_.run_for(2s);
    EXPECT_EQ(desk_.tally.answers(), (std::array<std::uint64_t, 5>{0, 2, 0, 2, 0}));
    ASSERT_EQ(desk_.tally.rows().size(), 1U);
    EXPECT_EQ(desk_.tally.rows().front().reason, Errc::malformed);
}

TEST_F(HttpServe, row_1_19_conditions_and_ranges_are_answered_for_every_route) {
    connect();
    const auto ask = [this](std::string_view header) {
        return exchange(fmt::format("GET /segment HTTP/1.1\r\nHost: x\r\n{}\r\n", header));
    };
    const std::string whole = ask("");
    EXPECT_TRUE(whole.ends_with("0123456789")) << whole;
    EXPECT_NE(whole.find("Accept-Ranges: bytes\r\n"), std::string::npos) << whole;
    const std::string part = ask("Range: bytes=2-4\r\n");
    EXPECT_EQ(status_of(part), 206);
    EXPECT_NE(part.find("Content-Length: 3\r\n"), std::string::npos) << part;
    EXPECT_TRUE(part.ends_with("\r\n\r\n234")) << part;
    EXPECT_EQ(status_of(ask("Range: bytes=10-\r\n")), 416);
    EXPECT_EQ(status_of(ask("Range: bytes=0-1,3-4\r\n")), 200);
    const std::string known = ask("If-None-Match: \"abc\"\r\n");
    EXPECT_EQ(status_of(known), 304);
    EXPECT_TRUE(known.ends_with("\r\n\r\n")) << known;
    EXPECT_FALSE(ended()) << "each answer left the connection usable";
}

TEST_F(HttpServe, row_2_26_case_57_an_empty_segment_is_404_and_a_climbing_path_400) {
    struct Row {
        std::string_view path;
        int status;
    };
    for (const Row& row : std::vector<Row>{{"//", 404},
                                           {"//live.flv", 404},
                                           {"/a//b", 404},
                                           {"/%2f", 404},
                                           {"/%252e%252e%252f", 404},
                                           {"/live/../..", 400},
                                           {"/%2e%2e%2f", 400},
                                           {"/..%5c", 400},
                                           {"/live.flv/..", 400}}) {
        connect();
        const std::string answer = exchange(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", row.path));
        EXPECT_EQ(status_of(answer), row.status) << row.path;
    }
    EXPECT_EQ(started_, 0);
}

TEST_F(HttpServe, an_endless_answer_takes_the_connection_with_what_was_read) {
    connect();
    const std::string answer = exchange("GET /live.flv HTTP/1.1\r\nHost: x\r\n\r\nbehind");
    EXPECT_EQ(answer, "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\nFLV");
    EXPECT_EQ(started_, 1);
    EXPECT_EQ(taken_, "behind");
    EXPECT_TRUE(ended());
    EXPECT_EQ(conversations(), 0U);
}

TEST_F(HttpServe, head_starts_nothing_even_where_the_route_would) {
    routes_[1].answer = [this](const web::Request&, Executor&) -> Task<web::Response> {
        web::Response response;
        response.takeover = [this](std::unique_ptr<Connection>, std::vector<std::byte>) -> Task<> {
            ++started_;
            co_return;
        };
        co_return response;
    };
    connect();
    EXPECT_EQ(status_of(exchange("HEAD /live.flv HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
    EXPECT_EQ(started_, 0);
}

TEST_F(HttpServe, a_route_that_lists_options_answers_its_own_preflights) {
    routes_[0].methods = {"GET", "OPTIONS"};
    connect();
    EXPECT_TRUE(exchange("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("OPTIONS"));
}

TEST_F(HttpServe, case_53_bad_syntax_is_answered_and_closed) {
    for (const std::string& wire :
         {std::string{
              "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
          std::string{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"},
          std::string{"GET / HTTP/1.1\nHost: x\n\n"}, std::string{"GET / HTTP/1.1\r\nHost: \0\r\n\r\n", 27},
          "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(100000, 'a')}) {
        connect();
        const std::string answer = exchange(wire);
        EXPECT_GE(status_of(answer), 400) << wire.substr(0, 80);
        EXPECT_LT(status_of(answer), 500) << wire.substr(0, 80);
        time_.run_for(2s);
        EXPECT_TRUE(ended()) << wire.substr(0, 80);
        EXPECT_EQ(conversations(), 0U);
    }
}

TEST_F(HttpServe, case_53_a_refusal_behind_a_good_request_follows_its_answer) {
    connect();
    const std::string answer = exchange(std::string{get_root} + "nonsense\r\n\r\n" + std::string(40000, 'x'));
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_NE(answer.find("HTTP/1.1 400 Bad Request"), std::string::npos);
    time_.run_for(2s);
    EXPECT_TRUE(ended());
    EXPECT_EQ(conversations(), 0U);
}

TEST_F(HttpServe, case_52_slow_heads_bodies_and_idle_clients_are_closed) {
    connect();
    send("GET / HT");
    time_.run_for(10s);
    EXPECT_EQ(status_of(read()), 408);
    time_.run_for(2s);
    EXPECT_TRUE(ended());

    connect();
    exchange(get_root);
    time_.run_for(14s);
    EXPECT_FALSE(ended());
    time_.run_for(2s);
    EXPECT_TRUE(ended());

    connect();
    exchange("PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na");
    time_.run_for(29s);
    EXPECT_FALSE(ended());
    time_.run_for(3s);
    EXPECT_TRUE(ended());
    EXPECT_EQ(conversations(), 0U);
}

TEST_F(HttpServe, case_52_a_client_that_takes_nothing_is_closed_after_15_seconds) {
    connect({}, {.window = 1000});
    send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    time_.run_for(14s);
    EXPECT_EQ(conversations(), 1U);
    time_.run_for(2s);
    EXPECT_EQ(conversations(), 0U);
}

TEST_F(HttpServe, case_52_a_client_that_takes_a_byte_a_second_is_closed_too) {
    connect({}, {.window = 1000, .one_byte_reads = true});
    send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    std::array<std::byte, 1> one;
    for (int second = 0; second < 60; ++second) {
        (void)client_->try_read(one);
        time_.run_for(1s);
    }
    EXPECT_EQ(conversations(), 0U);
}

TEST_F(HttpServe, a_slow_link_gets_the_whole_answer) {
    connect({}, {.window = 4096, .bytes_per_second = 16U << 10U});
    send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    std::size_t size = 0;
    for (int i = 0; i < 400; ++i) {
        time_.run_for(100ms);
        size += read().size();
    }
    EXPECT_GT(size, 300U << 10U);
    EXPECT_EQ(conversations(), 0U) << "idle by now";
}

TEST_F(HttpServe, a_conversation_ends_when_its_executor_stops) {
    connect();
    send("GET / HT");
    server_side_.stop();
    time_.settle();
    EXPECT_EQ(conversations(), 0U);
    EXPECT_TRUE(ended());
}

}   // namespace
}   // namespace millrace::session
