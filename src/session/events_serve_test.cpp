#include "session/events_serve.hpp"

#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"
#include "protocol/http/answer.hpp"
#include "protocol/ws/hand_made_frames.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// Says yes, unless it is told not to, and remembers what was asked.
class Doorman final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        asked = std::move(petition);
        if (refuses) {
            reply.give(fail(Errc::unauthenticated, "say who you are"));
        } else {
            reply.give(hub::Admitted{.identity = {.name = "user ali"}});
        }
    }
    std::optional<hub::Petition> asked;
    bool refuses = false;
};

/// A server whose only route gives events, and a client that the test drives by hand.
class EventsServe : public testing::Test {
protected:
    ~EventsServe() override { time_.stop(); }

    /// Asks over a connection of its own, as http_serve would hand it over.
    void request(web::Request request, VirtualLink to_client = {}) {
        auto [client, server] = virtual_connection(client_side_, server_side_, {}, to_client);
        client_ = std::move(client);
        request.peer = server->peer();
        server_side_.run([&, connection = std::move(server)]() mutable {
            server_side_.tasks().spawn(serve(*this, std::move(request), std::move(connection)));
        });
        time_.settle();
    }
    void send(ByteSpan bytes) {
        const auto sent = client_->try_write(std::span{&bytes, 1});
        ASSERT_TRUE(sent);
        time_.settle();
    }
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
    /// What came first. `headers` is lines of "Name: value".
    std::string ask(std::string_view target, std::string_view headers = "", std::string method = "GET") {
        const std::size_t mark = std::min(target.find('?'), target.size());
        web::Request asked{.method = std::move(method), .path = std::string{target.substr(0, mark)}};
        asked.query = target.substr(std::min(mark + 1, target.size()));
        asked.headers.push_back({"Host", "192.0.2.2"});
        while (!headers.empty()) {
            const std::string_view line = headers.substr(0, headers.find("\r\n"));
            const std::size_t colon = line.find(": ");
            asked.headers.push_back(
                {std::string{line.substr(0, colon)}, std::string{line.substr(colon + 2)}});
            headers.remove_prefix(line.size() + 2);
        }
        request(std::move(asked));
        return read();
    }
    std::string ask_to_upgrade(std::string_view path, std::string_view headers = "") {
        return ask(path,
                   fmt::format("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}",
                               headers));
    }
    void tell(std::string text, std::string stream = "live/cam") {
        events_.tell({.kind = hub::EventKind::stream,
                      .stream = std::move(stream),
                      .text = std::move(text),
                      .members = {}});
        time_.settle();
    }

    VirtualTime time_;
    VirtualExecutor& server_side_ = time_.add_executor();
    VirtualExecutor& client_side_ = time_.add_executor();
    VirtualExecutor& aside_ = time_.add_executor();
    SeededRandom random_{1};
    hub::Events events_{aside_};
    hub::Directory directory_{{}, random_};
    Doorman doorman_;
    Desk desk_{server_side_, directory_, doorman_, random_};
    std::vector<web::Route> routes_{events_serve(desk_, events_)};
    std::unique_ptr<Connection> client_;
    bool ended_ = false;

private:
    static Task<> serve(EventsServe& self, web::Request request, std::unique_ptr<Connection> connection) {
        web::Response response = co_await self.routes_.front().answer(request, self.server_side_);
        if (response.takeover && request.method == "GET") {
            co_await response.takeover(std::move(connection), {});
            co_return;
        }
        std::vector<std::byte> head;
        http::write_head(head, response, {.utc = self.time_.utc(), .head_only = true});
        const std::array slices{ByteSpan{head}};
        EXPECT_TRUE(connection->try_write(slices));
    }
};

TEST_F(EventsServe, administrators_hear_everything_as_server_sent_events) {
    const std::string head = ask("/api/v1/events");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
    EXPECT_TRUE(head.contains("Content-Type: text/event-stream\r\n")) << head;
    EXPECT_FALSE(head.contains("Access-Control")) << head;
    EXPECT_TRUE(head.ends_with("\r\n\r\nretry: 2000\n\n")) << head;
    EXPECT_EQ(doorman_.asked->action, hub::Action::admin);
    tell("one");
    EXPECT_EQ(read(),
              "id: 1800000000000000\ndata: {\"id\":1800000000000000,\"at\":\"2027-01-15T08:00:00.000Z\","
              "\"kind\":\"stream\",\"stream\":\"live/cam\",\"text\":\"one\"}\n\n");
    tell("two", "live/other");
    EXPECT_TRUE(read().contains("\"text\":\"two\""));
}

TEST_F(EventsServe, viewers_hear_of_their_stream) {
    const std::string head = ask("/live/cam/events");
    EXPECT_TRUE(head.contains("Access-Control-Allow-Origin: *\r\n")) << head;
    EXPECT_EQ(doorman_.asked->action, hub::Action::play);
    EXPECT_EQ(doorman_.asked->stream, "live/cam");
    tell("of another", "live/other");
    EXPECT_EQ(read(), "");
    tell("one");
    EXPECT_TRUE(read().contains("\"text\":\"one\""));
}

TEST_F(EventsServe, row_2_27_goes_on_behind_the_last_event_that_was_seen) {
    tell("one");
    tell("two");
    tell("three");
    EXPECT_FALSE(ask("/api/v1/events?after=1800000000000000").contains("\"one\""));
    EXPECT_TRUE(ask("/api/v1/events?after=1800000000000000").contains("\"two\""));
    const std::string last =
        ask("/api/v1/events?after=1800000000000000", "Last-Event-ID: 1800000000000001\r\n");
    EXPECT_FALSE(last.contains("\"two\"")) << last;
    EXPECT_TRUE(last.contains("\"three\"")) << last;
    EXPECT_TRUE(ask("/api/v1/events?after=x").starts_with("HTTP/1.1 400 "));
}

TEST_F(EventsServe, row_2_27_who_may_not_hears_nothing) {
    doorman_.refuses = true;
    EXPECT_TRUE(ask("/api/v1/events").starts_with("HTTP/1.1 401 "));
    EXPECT_TRUE(ask("/live/cam/events").starts_with("HTTP/1.1 401 "));
    EXPECT_TRUE(ask_to_upgrade("/api/v1/events").starts_with("HTTP/1.1 401 "));
    EXPECT_EQ(desk_.sessions.size(), 0U);
}

TEST_F(EventsServe, something_comes_every_15_seconds) {
    ask("/api/v1/events");
    time_.run_for(14s);
    EXPECT_EQ(read(), "");
    time_.run_for(2s);
    EXPECT_EQ(read(), ":\n\n");
    tell("one");
    read();
    time_.run_for(14s);
    EXPECT_EQ(read(), "");
}

TEST_F(EventsServe, a_reader_is_a_session_that_can_be_ended) {
    ask("/live/cam/events");
    const std::vector<hub::SessionReport> reports = desk_.sessions.reports();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].facts.kind, hub::SessionKind::observer);
    EXPECT_EQ(reports[0].facts.action(), hub::Action::play);
    EXPECT_EQ(reports[0].facts.who.name, "user ali");
    EXPECT_GT(reports[0].bytes_out, 100U);
    server_side_.run([&] { desk_.sessions.find(reports[0].id)->end({Errc::cancelled, "kicked"}); });
    time_.settle();
    read();
    EXPECT_TRUE(ended_);
    EXPECT_EQ(desk_.sessions.size(), 0U);
}

TEST_F(EventsServe, a_client_that_goes_away_is_forgotten) {
    ask("/api/v1/events");
    client_->close();
    time_.settle();
    EXPECT_EQ(desk_.sessions.size(), 0U);
    EXPECT_EQ(server_side_.tasks().size(), 0U);
}

TEST_F(EventsServe, a_client_that_takes_nothing_is_let_go) {
    request({.method = "GET", .path = "/api/v1/events"}, {.window = 2048});
    for (int i = 0; i < 100; ++i) {
        tell(std::string(100, 'x'));
    }
    EXPECT_EQ(desk_.sessions.size(), 1U);
    time_.run_for(16s);
    EXPECT_EQ(desk_.sessions.size(), 0U);
}

TEST_F(EventsServe, a_websocket_gets_a_text_message_an_event) {
    const std::string head = ask_to_upgrade("/api/v1/events");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
    tell("one");
    const std::string message = read();
    EXPECT_EQ(message[0], '\x81');
    EXPECT_TRUE(message.contains("{\"id\":1800000000000000,")) << message;
    send(ws::hand_made::from_client({{.opcode = 9, .payload = "ping"}}));
    EXPECT_EQ(read(), "\x8A\x04ping");
    time_.run_for(16s);
    EXPECT_EQ(read(), std::string("\x89\x00", 2));
    send(ws::hand_made::from_client({{.opcode = 8, .payload = "\x03\xE8"}}));
    EXPECT_EQ(read(), "\x88\x02\x03\xE8");
    time_.settle();
    EXPECT_EQ(desk_.sessions.size(), 0U);
}

TEST_F(EventsServe, a_websocket_answers_for_the_clock) {
    ask_to_upgrade("/live/cam/events");
    send(ws::hand_made::from_client({{.payload = R"({"t":"clock","c":17.5})"}}));
    const std::string answer = read();
    EXPECT_EQ(answer.substr(2), R"({"t":"clock","c":17.5,"r":1800000000000.000,"s":1800000000000.000})");
    send(ws::hand_made::from_client({{.payload = R"({"t":"hello"})"}}));
    EXPECT_EQ(read(), "");
    tell("one");
    EXPECT_TRUE(read().contains("\"text\":\"one\""));
}

TEST_F(EventsServe, case_60_a_websocket_that_asks_too_often_or_too_much_is_closed) {
    const std::string question = R"({"t":"clock","c":1})";
    const std::vector<ws::hand_made::Frame> often(11, {.payload = question});
    const std::vector<ws::hand_made::Frame> long_one{{.payload = std::string(257, 'x')}};
    for (const auto& frames : {often, long_one}) {
        ask_to_upgrade("/live/cam/events");
        send(ws::hand_made::from_client(frames));
        EXPECT_TRUE(read().ends_with("\x88\x02\x03\xF0"));   // 1008
        EXPECT_EQ(desk_.sessions.size(), 0U);
    }
}

TEST_F(EventsServe, case_61_a_foreign_page_opens_no_websocket) {
    struct Row {
        std::string_view path;
        std::string_view headers;
        bool opens;
    };
    const std::vector<Row> rows{
        {"/api/v1/events", "", true},
        {"/api/v1/events", "Origin: http://192.0.2.2\r\n", true},
        {"/api/v1/events", "Origin: https://192.0.2.2\r\n", false},
        {"/api/v1/events", "Origin: http://evil.example\r\n", false},
        {"/api/v1/events", "Origin: null\r\n", false},
        {"/live/cam/events", "Origin: http://evil.example\r\n", true},   // http.cors is "*", and no cookie
        {"/live/cam/events", "Origin: http://evil.example\r\nCookie: millrace=x\r\n", false},
        {"/live/cam/events", "Origin: null\r\nCookie: millrace=x\r\n", false},
        {"/live/cam/events", "Origin: http://192.0.2.2\r\nCookie: millrace=x\r\n", true},
    };
    for (const Row& row : rows) {
        const std::string head = ask_to_upgrade(row.path, row.headers);
        EXPECT_TRUE(head.starts_with(row.opens ? "HTTP/1.1 101 " : "HTTP/1.1 403 "))
            << row.path << " " << row.headers << head;
    }
}

TEST_F(EventsServe, head_and_options_start_nothing) {
    EXPECT_TRUE(ask("/api/v1/events", "", "HEAD").contains("Content-Type: text/event-stream\r\n"));
    EXPECT_TRUE(ask("/live/cam/events", "", "OPTIONS").starts_with("HTTP/1.1 204 "));
    EXPECT_EQ(desk_.sessions.size(), 0U);
}

}   // namespace
}   // namespace millrace::session
