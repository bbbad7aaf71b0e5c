#include "protocol/http/server_machine.hpp"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

using namespace std::string_literals;

constexpr WallTime utc{784'111'777'000'000};   // Sun, 06 Nov 1994 08:49:37 GMT

/// A machine with a clock that the test turns.
struct Server {
    ServerMachine machine{Instant{}, utc};
    Instant now;

    Result<> receive(std::string_view text) { return machine.receive(as_bytes(text), now); }
    std::optional<web::Request> request() {
        auto event = machine.next_event();
        return event ? std::optional{std::get<web::Request>(std::move(*event))} : std::nullopt;
    }
    std::string output() { return std::string{as_text(machine.next_output())}; }
    std::string respond(const web::Response& response) {
        (void)machine.respond(response, now);
        return output();
    }
};

int status_of(std::string_view answer) {
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string{answer.substr(9, 3)}) : 0;
}

TEST(ServerMachine, reads_a_request_and_answers_in_one_piece) {
    Server server;
    ASSERT_TRUE(server.receive("GET /live/c%61m.flv?token=a%20b HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\n\r\n"));
    const auto request = server.request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->method, "GET");
    EXPECT_EQ(request->path, "/live/cam.flv");
    EXPECT_EQ(request->query, "token=a%20b");
    EXPECT_EQ(request->header("x-a"), "1");
    EXPECT_EQ(server.machine.deadline(), Instant::never());
    EXPECT_EQ(server.respond(web::Response::text(200, "hello")),
              "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_FALSE(server.machine.finished());
}

TEST(ServerMachine, reads_the_same_requests_however_they_are_cut) {
    const std::string wire =
        "\r\nPOST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
        "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: "
        "1\r\n\r\n"
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        "GET /d HTTP/1.1\r\nHost: x\r\n\r\n";
    for (std::size_t first = 0; first <= wire.size(); ++first) {
        // One cut, and at the end of the table every byte by itself.
        const bool single_bytes = first == wire.size();
        Server server;
        std::string seen;
        for (std::size_t at = 0; at < wire.size();) {
            const std::size_t size = single_bytes ? 1 : at == 0 && first > 0 ? first : wire.size() - at;
            ASSERT_TRUE(server.receive(std::string_view{wire}.substr(at, size)));
            at += size;
            while (const auto request = server.request()) {
                seen += request->path + "=" + request->body + ";";
                server.respond({});
            }
        }
        EXPECT_EQ(seen, "/a=12345;/b=abcde;/c=;/d=;") << "cut at " << first;
    }
}

TEST(ServerMachine, gives_one_request_at_a_time) {
    Server server;
    ASSERT_TRUE(server.receive("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(server.request()->path, "/1");
    EXPECT_FALSE(server.request());
    server.respond({});
    EXPECT_EQ(server.request()->path, "/2");
}

TEST(ServerMachine, leaves_the_body_of_an_upload_to_whoever_takes_the_connection_over) {
    const std::string head =
        "PUT /live/cam/upload/0.ts HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n";
    Server server;
    ASSERT_TRUE(server.receive(head + "begin"));
    const auto request = server.request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->body, "");
    EXPECT_TRUE(server.machine.leaves_body());
    EXPECT_EQ(as_text(server.machine.take_read_ahead()), "begin");
}

TEST(ServerMachine, ends_with_the_refusal_of_an_upload_since_its_body_was_not_read) {
    Server server;
    ASSERT_TRUE(
        server.receive("POST /live/cam/upload/0.ts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n5\r\nGET /"));
    ASSERT_TRUE(server.request());
    const std::string answer = server.respond(web::Response::problem(403, "not you"));
    EXPECT_EQ(status_of(answer), 403);
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(server.machine.finished());
    EXPECT_FALSE(server.request());
}

TEST(ServerMachine, bounds_what_waits_behind_a_request) {
    Server server;
    ASSERT_TRUE(server.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    ASSERT_TRUE(server.receive(std::string(64U << 10U, 'x')));
    const auto received = server.receive("x");
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, Errc::exhausted);
    EXPECT_TRUE(server.machine.finished());
}

struct KeepAliveRow {
    std::string_view head;
    bool keeps;
    std::string_view says;
};

TEST(ServerMachine, keeps_the_connection_as_version_and_header_say) {
    const std::vector<KeepAliveRow> rows{
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, ""},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false, "Connection: close\r\n"},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, CLOSE\r\n\r\n", false, "Connection: close\r\n"},
        {"GET / HTTP/1.0\r\n\r\n", false, "Connection: close\r\n"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, "Connection: keep-alive\r\n"},
    };
    for (const auto& row : rows) {
        Server server;
        ASSERT_TRUE(server.receive(row.head));
        ASSERT_TRUE(server.request()) << row.head;
        const std::string answer = server.respond({});
        EXPECT_EQ(server.machine.finished(), !row.keeps) << row.head;
        const std::size_t at = answer.find("Connection: ");
        EXPECT_EQ(at == std::string::npos ? "" : answer.substr(at, row.says.size()), row.says) << row.head;
    }
}

TEST(ServerMachine, says_continue_only_to_a_client_that_waits) {
    const std::string head = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n";
    Server waits;
    ASSERT_TRUE(waits.receive(head));
    EXPECT_EQ(waits.output(), "HTTP/1.1 100 Continue\r\n\r\n");
    ASSERT_TRUE(waits.receive("ab"));
    EXPECT_EQ(waits.request()->body, "ab");

    Server does_not;
    ASSERT_TRUE(does_not.receive(head + "ab"));
    EXPECT_EQ(does_not.output(), "");
    EXPECT_EQ(does_not.request()->body, "ab");
}

TEST(ServerMachine, hands_over_what_came_behind_an_upgrade) {
    Server server;
    ASSERT_TRUE(server.receive(
        "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01x"s));
    ASSERT_TRUE(server.request());
    ASSERT_TRUE(server.receive("more"));
    EXPECT_EQ(as_text(server.machine.take_read_ahead()), "\x81\x01xmore");
    EXPECT_TRUE(server.machine.finished());
    EXPECT_FALSE(server.receive("x"));
}

struct RefusalRow {
    std::string wire;
    int status;
};

std::string many_headers(int count) {
    std::string wire = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < count; ++i) {
        wire += "A: b\r\n";
    }
    return wire;
}

std::string chunked(std::string_view body) {
    return "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string{body};
}

const std::vector<RefusalRow>& refusals() {
    static const std::vector<RefusalRow> rows{
        // Framing that two servers could read differently.
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 4\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12abc\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {chunked("x\r\n\r\n"), 400},
        {chunked("-1\r\n\r\n"), 400},
        {chunked("10001\r\n"), 413},
        {chunked("FFFFFFFFFFFFFFFFF\r\n"), 400},
        {chunked("1\r\nab\r\n0\r\n\r\n"), 400},
        {chunked("1;" + std::string(1100, 'a') + "\r\na\r\n"), 400},
        {chunked("1;" + std::string(20000, 'a')), 400},
        {chunked("0\r\nA: " + std::string(20000, 'a')), 400},
        {chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},
        // Lines.
        {"GET / HTTP/1.1\nHost: x\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"s, 400},
        {"GET /\0 HTTP/1.1\r\n"s, 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA\x01: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400},
        {" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"\n\n", 400},
        {"\x16\x03\x01\x02\x00\x01\n"s, 400},
        // Sizes.
        {"GET /" + std::string(9000, 'a'), 414},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(1U << 20U, 'a'), 431},
        {many_headers(101) + "\r\n", 431},
        {many_headers(10000), 431},
        // The request line.
        {"GET /\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"GET / HTTP/1.1 x\r\nHost: x\r\n\r\n", 400},
        {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET live/cam HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: money\r\n\r\n", 417},
    };
    return rows;
}

TEST(ServerMachine, case_53_smuggling_and_bad_syntax_are_answered_and_end_it) {
    for (const auto& row : refusals()) {
        Server server;
        const auto received = server.receive(row.wire);
        ASSERT_FALSE(received) << row.wire.substr(0, 120);
        EXPECT_FALSE(server.request()) << row.wire.substr(0, 120);
        const std::string answer = server.output();
        EXPECT_EQ(status_of(answer), row.status) << row.wire.substr(0, 120) << answer;
        EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
        EXPECT_NE(answer.find("application/problem+json"), std::string::npos);
        EXPECT_TRUE(server.machine.finished());
        EXPECT_EQ(server.machine.deadline(), Instant::never());
        EXPECT_FALSE(server.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
}

TEST(ServerMachine, case_53_holds_byte_by_byte) {
    for (const auto& row : refusals()) {
        Server server;
        Result<> received;
        std::size_t at = 0;
        while (received && at < row.wire.size()) {
            received = server.receive(std::string_view{row.wire}.substr(at++, 1));
        }
        EXPECT_FALSE(received) << row.wire.substr(0, 120);
        EXPECT_LE(at, HeadScan::head_size_max + 200) << row.wire.substr(0, 120);
        EXPECT_EQ(status_of(server.output()), row.status) << row.wire.substr(0, 120);
    }
}

TEST(ServerMachine, case_57_paths_that_climb_are_refused) {
    for (const std::string path :
         {"/live/../..", "/%2e%2e%2f", "/live/%2E%2e", "/./a", "/file.m3u8/..", "/a/%2e", "http://x/../y",
          "/..%5c", "/live/..%5C..%5cetc", "/a\\b", "/a%0d%0ab", "/a%7f"}) {
        Server server;
        EXPECT_FALSE(server.receive("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")) << path;
        EXPECT_EQ(status_of(server.output()), 400) << path;
    }
}

TEST(ServerMachine, a_large_body_leaves_behind_its_head_without_a_copy) {
    Server server;
    ASSERT_TRUE(server.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n"));
    ASSERT_TRUE(server.request());
    const web::Response response = web::Response::text(200, std::string(4000, 'x'));
    EXPECT_FALSE(server.machine.respond(response, server.now)) << "what waits behind it is refused";
    const std::vector<Bytes> pieces = server.machine.next_pieces();
    ASSERT_EQ(pieces.size(), 3U) << "head, body, the refusal";
    EXPECT_TRUE(as_text(pieces[0]).ends_with("Content-Length: 4000\r\n\r\n"));
    EXPECT_EQ(pieces[1].data(), response.body.data());
    EXPECT_TRUE(as_text(pieces[2]).starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(server.machine.next_output().empty());
}

TEST(ServerMachine, small_answers_are_one_piece) {
    Server server;
    ASSERT_TRUE(server.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    ASSERT_TRUE(server.request());
    ASSERT_TRUE(server.machine.respond(web::Response::text(200, "the body"), server.now));
    const std::vector<Bytes> pieces = server.machine.next_pieces();
    ASSERT_EQ(pieces.size(), 1U);
    EXPECT_TRUE(as_text(pieces[0]).ends_with("Content-Length: 8\r\n\r\nthe body"));
}

TEST(ServerMachine, an_upgrade_says_nothing_in_http_1_0) {
    for (const std::string version : {"1.0", "1.1"}) {
        Server server;
        ASSERT_TRUE(server.receive("GET / HTTP/" + version + "\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"));
        EXPECT_EQ(server.request()->header("Upgrade").has_value(), version == "1.1");
    }
}

TEST(ServerMachine, takes_targets_in_every_legal_form) {
    struct Row {
        std::string target;
        std::string_view path;
        std::string_view query;
    };
    const std::vector<Row> rows{
        {"/", "/", ""},
        {"//", "//", ""},
        {"/a?", "/a", ""},
        {"/?a?b", "/", "a?b"},
        {"/%252e", "/%2e", ""},
        {"/...", "/...", ""},
        {"HTTP://host:80/a?b", "/a", "b"},
        {"http://h", "/", ""},
        {"http://h?q", "/", "q"},
        {"/a?b=/../", "/a", "b=/../"},
    };
    for (const auto& row : rows) {
        Server server;
        ASSERT_TRUE(server.receive("GET " + row.target + " HTTP/1.1\r\nHost: x\r\n\r\n")) << row.target;
        const auto request = server.request();
        ASSERT_TRUE(request) << row.target;
        EXPECT_EQ(request->path, row.path);
        EXPECT_EQ(request->query, row.query);
    }
    Server server;
    ASSERT_TRUE(server.receive("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(server.request()->path, "*");
}

TEST(ServerMachine, case_52_a_slow_head_has_10_seconds_from_the_start) {
    Server server;
    EXPECT_EQ(server.machine.deadline(), Instant{} + 10s);
    server.now = Instant{} + 9s;
    ASSERT_TRUE(server.receive("GET / HT"));
    EXPECT_EQ(server.machine.deadline(), Instant{} + 10s);
    EXPECT_TRUE(server.machine.advance(Instant{} + 9s));
    EXPECT_FALSE(server.machine.advance(Instant{} + 10s));
    EXPECT_EQ(status_of(server.output()), 408);
    EXPECT_TRUE(server.machine.finished());
}

TEST(ServerMachine, case_52_an_idle_connection_is_closed_without_words) {
    Server silent;
    EXPECT_FALSE(silent.machine.advance(Instant{} + 10s));
    EXPECT_EQ(silent.output(), "");

    Server server;
    ASSERT_TRUE(server.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    ASSERT_TRUE(server.request());
    server.now = Instant{} + 60s;   // answering takes what it takes
    server.respond({});
    EXPECT_EQ(server.machine.deadline(), Instant{} + 75s);
    server.now = Instant{} + 70s;
    ASSERT_TRUE(server.receive("\r\n"));
    EXPECT_EQ(server.machine.deadline(), Instant{} + 75s) << "empty lines are no request";
    ASSERT_TRUE(server.receive("G"));
    EXPECT_EQ(server.machine.deadline(), Instant{} + 80s);
    server.now = Instant{} + 79s;
    ASSERT_TRUE(server.receive("E"));
    EXPECT_EQ(server.machine.deadline(), Instant{} + 80s);
}

TEST(ServerMachine, case_52_a_slow_body_has_30_seconds) {
    Server server;
    ASSERT_TRUE(server.receive("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"));
    server.now = Instant{} + 29s;
    ASSERT_TRUE(server.receive("2"));
    EXPECT_EQ(server.machine.deadline(), Instant{} + 30s);
    EXPECT_FALSE(server.machine.advance(Instant{} + 30s));
    EXPECT_EQ(status_of(server.output()), 408);
}

}   // namespace
}   // namespace millrace::http
