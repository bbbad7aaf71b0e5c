#include "protocol/http/client_machine.hpp"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

constexpr Instant start = Instant{} + 1h;

/// What a client makes of an answer that comes in pieces of a size.
struct Heard {
    int status = 0;
    std::string body;
    bool complete = false;
    std::optional<Error> error;
    bool may_ask = false;
};

Heard hear(std::string_view wire, std::size_t piece, ClientMachine::Limits limits = {},
           std::string_view method = "GET") {
    ClientMachine machine{limits};
    Heard heard;
    EXPECT_TRUE(machine.ask({.method = std::string{method}, .url = *parse_url("http://h/")}, start));
    const auto look = [&](const Result<>& result) {
        while (const auto event = machine.next_event()) {
            if (const auto* head = std::get_if<ResponseHead>(&*event)) {
                heard.status = head->status;
            } else if (const auto* part = std::get_if<BodyPart>(&*event)) {
                heard.body += as_text(part->bytes);
            } else {
                heard.complete = true;
            }
        }
        if (!result && !heard.error) {
            heard.error = result.error();
        }
    };
    while (!wire.empty() && !heard.error) {
        look(machine.receive(as_bytes(wire.substr(0, piece)), start));
        wire.remove_prefix(std::min(piece, wire.size()));
    }
    if (!heard.error) {
        heard.may_ask = machine.may_ask();
        look(machine.close());
    }
    return heard;
}

std::string asked(std::string_view url) {
    ClientMachine machine;
    EXPECT_TRUE(machine.ask({.url = *parse_url(url), .headers = {{"Accept", "image/jpeg"}}}, start));
    return std::string{as_text(machine.next_output())};
}

TEST(HttpClient, asks_for_the_target_as_it_was_written) {
    EXPECT_EQ(asked("http://cam.example:81/a//b?x='1'&y=%20#fps=2"),
              "GET /a//b?x='1'&y=%20 HTTP/1.1\r\nHost: cam.example:81\r\nUser-Agent: millrace\r\n"
              "Accept-Encoding: identity\r\nAccept: image/jpeg\r\n\r\n");
}

TEST(HttpClient, shows_what_the_url_has_before_the_host) {
    // RFC 7617 §2 and §2.1 have the first two as examples.
    EXPECT_NE(asked("http://Aladdin:open%20sesame@h/")
                  .find("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"),
              std::string::npos);
    EXPECT_NE(asked("http://test:123%C2%A3@h/").find("Authorization: Basic dGVzdDoxMjPCow==\r\n"),
              std::string::npos);
    EXPECT_NE(asked("http://a:b@h/").find("Authorization: Basic YTpi\r\n"), std::string::npos);
    EXPECT_NE(asked("http://:s3cr3t@h/").find("Authorization: Bearer s3cr3t\r\n"), std::string::npos);
}

TEST(HttpClient, understands_answers_however_they_are_cut) {
    const struct {
        std::string_view what;
        std::string_view wire;
        int status;
        std::string_view body;
        bool may_ask;
    } cases[] = {
        {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true},
        {"nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true},
        {"no body", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
        {"closing", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", 200, "hi", false},
        {"until close", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nall of it", 200, "all of it", false},
        {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, "hi", false},
        {"1.0 kept", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nhi", 200, "hi",
         true},
        {"chunks",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n"
         "0\r\nT: u\r\n\r\n",
         200, "hello0123456789", true},
        {"bare LF", "HTTP/1.0 200\nContent-Type: x\n\nbody", 200, "body", false},
        {"no phrase", "HTTP/1.1 401 \r\nContent-Length: 1\r\n\r\n.", 401, ".", true},
        {"interim",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n"
         "Content-Length: 1\r\n\r\n.",
         200, ".", true},
        {"redirect", "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", 302, "", true},
        {"lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n.", 200, ".", true},
    };
    for (const auto& one : cases) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{4096}}) {
            const Heard heard = hear(one.wire, piece);
            EXPECT_FALSE(heard.error) << one.what << ": " << (heard.error ? heard.error->what : "");
            EXPECT_EQ(heard.status, one.status) << one.what;
            EXPECT_EQ(heard.body, one.body) << one.what;
            EXPECT_TRUE(heard.complete) << one.what;
            EXPECT_EQ(heard.may_ask, one.may_ask) << one.what;
        }
    }
}

TEST(HttpClient, an_answer_to_head_has_no_body) {
    const Heard heard = hear("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1, {}, "HEAD");
    EXPECT_TRUE(heard.complete && heard.may_ask && !heard.error);
}

TEST(HttpClient, refuses_what_breaks_the_rules) {
    const struct {
        std::string wire;
        Errc code;
    } cases[] = {
        {"SSH-2.0-OpenSSH\r\n\r\n", Errc::malformed},
        {"HTTP/2 200\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 2x0 OK\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 099 OK\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nA b\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nContent-Length: 12abc\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n.", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         Errc::malformed},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Errc::unsupported},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", Errc::unsupported},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(300, 'x'), Errc::exhausted},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " + std::string(5000, 'x'),
         Errc::exhausted},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nA: " + std::string(40'000, 'x'), Errc::exhausted},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n..", Errc::malformed},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n.", Errc::closed},
        {"HTTP/1.1 200 OK\r\n", Errc::closed},
        {"", Errc::closed},
    };
    for (const auto& [wire, code] : cases) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}}) {
            const Heard heard = hear(wire, piece);
            ASSERT_TRUE(heard.error) << wire.substr(0, 100);
            EXPECT_EQ(heard.error->code, code) << wire.substr(0, 100) << heard.error->what;
        }
    }
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 101; ++i) {
        many += "A: b\r\n";
    }
    EXPECT_EQ(hear(many + "\r\n", 4096).error->code, Errc::exhausted);
    std::string interim;
    for (int i = 0; i < 9; ++i) {
        interim += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    EXPECT_TRUE(hear(interim, 4096).error);
    const Heard large = hear("HTTP/1.1 200 OK\r\n\r\n0123456789", 3, {.body_size_max = 8});
    EXPECT_EQ(large.error->code, Errc::exhausted);
}

TEST(HttpClient, case_84_gives_up_on_a_server_that_never_answers_or_falls_silent) {
    ClientMachine silent;
    ASSERT_TRUE(silent.ask({.url = *parse_url("http://h/")}, start));
    // One byte now and then is no answer.
    ASSERT_TRUE(silent.receive(as_bytes("H"), start + 9s));
    EXPECT_EQ(silent.deadline(), start + 10s);
    const Result<> late = silent.advance(start + 10s);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::timed_out);
    ClientMachine begun;
    ASSERT_TRUE(begun.ask({.url = *parse_url("http://h/")}, start));
    ASSERT_TRUE(begun.receive(as_bytes("HTTP/1.1 200 OK\r\n\r\nx"), start + 1s));
    ASSERT_TRUE(begun.receive(as_bytes("y"), start + 8s));
    EXPECT_TRUE(begun.advance(start + 17s));
    EXPECT_EQ(begun.deadline(), start + 18s);
    EXPECT_FALSE(begun.advance(start + 18s));
}

TEST(HttpClient, asks_again_on_a_connection_that_is_kept) {
    ClientMachine machine;
    const ClientRequest request{.url = *parse_url("http://h/")};
    ASSERT_TRUE(machine.ask(request, start));
    EXPECT_FALSE(machine.ask(request, start)) << "one after the other";
    ASSERT_TRUE(machine.receive(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"), start));
    ASSERT_TRUE(machine.may_ask());
    EXPECT_EQ(machine.deadline(), Instant::never());
    ASSERT_TRUE(machine.ask(request, start));
    EXPECT_FALSE(machine.may_ask());
    ASSERT_TRUE(machine.receive(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"), start));
    int ends = 0;
    while (const auto event = machine.next_event()) {
        ends += std::holds_alternative<BodyEnd>(*event) ? 1 : 0;
    }
    EXPECT_EQ(ends, 2);
    EXPECT_TRUE(machine.close()) << "an idle connection may end";
}

}   // namespace
}   // namespace millrace::http
