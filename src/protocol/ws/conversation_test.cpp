#include "protocol/ws/conversation.hpp"

#include "protocol/ws/back_channel.hpp"
#include "protocol/ws/client.hpp"
#include "protocol/ws/hand_made_frames.hpp"
#include "protocol/ws/handshake.hpp"

#include <gtest/gtest.h>

namespace millrace::ws {
namespace {

using hand_made::Frame;

std::vector<std::byte> close_frame(unsigned code) {
    return hand_made::from_server({hand_made::close(code)});
}

/// The head of a client's frame by hand: two bytes, the size in 64 bits, a mask of zeros.
std::vector<std::byte> long_head(std::uint8_t first, std::uint64_t size) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.u8(first);
    writer.u8(0xFF);
    writer.u64(size);
    writer.zeros(4);
    return out;
}

TEST(WebSocket, case_60_what_a_client_may_not_send_ends_it_with_the_right_code) {
    const std::string half(40U << 10U, 'x');
    struct Row {
        std::string_view what;
        std::vector<std::byte> wire;
        unsigned code;
    };
    const std::vector<Row> rows{
        {"an unmasked frame", hand_made::from_server({{1, "Hello"}}), 1002},
        {"length 2^63", long_head(0x82, std::uint64_t{1} << 63U), 1002},
        {"length 2^63 - 1", long_head(0x82, (std::uint64_t{1} << 63U) - 1), 1009},
        {"length 64 KiB + 1", long_head(0x82, 65537), 1009},
        {"a short length in the long form", long_head(0x82, 5), 1002},
        {"a message of 10 GiB in fragments", hand_made::from_client({{2, half, false}, {0, half, false}}),
         1009},
        {"a control frame of 126 bytes", hand_made::from_client({{9, std::string(126, 'x')}}), 1002},
        {"bad UTF-8", hand_made::from_client({{1, "\xC0\xAF"}}), 1007},
        {"a reserved bit", hand_made::from_client({{2, "x", true, 4}}), 1002},
    };
    for (const Row& row : rows) {
        for (const std::size_t piece : {std::size_t{1}, row.wire.size()}) {
            Conversation server{Receiver::Limits{}};
            BackChannel viewer;
            ByteSpan rest = row.wire;
            Result<> heard;
            Result<> viewed;
            while (heard && !rest.empty()) {
                const ByteSpan part = rest.first(std::min(piece, rest.size()));
                rest = rest.subspan(part.size());
                heard = server.receive(part, Instant{});
                viewed = viewer.receive(part, Instant{});
            }
            ASSERT_FALSE(heard) << row.what;
            ASSERT_FALSE(viewed) << row.what;
            EXPECT_EQ(heard.error().code, Errc::malformed);
            EXPECT_EQ(server.next_output(), close_frame(row.code)) << row.what;
            EXPECT_EQ(viewer.next_output(), close_frame(row.code)) << row.what;
        }
    }
}

TEST(WebSocket, case_60_a_flood_of_pings_is_answered_up_to_a_rate_and_then_ended) {
    const std::vector<std::byte> one = hand_made::from_client({{9, "x"}});
    BackChannel viewer;
    Instant now;
    Result<> going;
    int answered = 0;
    for (int i = 0; i < 10'000 && going; ++i, now = now + 1ms) {
        going = viewer.receive(one, now);
        answered += going ? 1 : 0;
    }
    ASSERT_FALSE(going);
    EXPECT_LT(answered, 600);
    EXPECT_TRUE(as_text(viewer.next_output()).ends_with(as_text(close_frame(1008))));

    BackChannel calm;
    for (int i = 0; i < 10'000; ++i, now = now + 10ms) {
        EXPECT_TRUE(calm.receive(one, now));
        EXPECT_EQ(calm.next_output(), hand_made::from_server({{10, "x"}}));
    }
}

TEST(WebSocket, case_60_a_peer_that_never_answers_our_close_is_left_after_two_seconds) {
    Conversation server{Receiver::Limits{}};
    Instant now;
    server.close(CloseCode::normal, now);
    EXPECT_EQ(server.next_output(), close_frame(1000));
    EXPECT_TRUE(server.receive(hand_made::from_client({{1, "still talking"}, {9, "x"}}), now));
    EXPECT_TRUE(server.next_output().empty()) << "nothing is said after our close";
    now = server.deadline();
    EXPECT_EQ(now, Instant{} + 2s);
    const Result<> over = server.advance(now);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::timed_out);
    EXPECT_FALSE(server.receive(hand_made::from_client({{1, "x"}}), now));
}

TEST(WebSocket, a_close_of_ours_that_is_answered_ends_in_good_order) {
    Conversation server{Receiver::Limits{}};
    server.close(CloseCode::normal, Instant{});
    (void)server.next_output();
    const Result<> over = server.receive(hand_made::from_client({hand_made::close(1000)}), Instant{});
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::closed);
    EXPECT_TRUE(server.next_output().empty());
    EXPECT_EQ(server.deadline(), Instant::never());
}

TEST(WebSocket, a_viewers_back_channel_answers_pings_and_the_close_and_drops_the_rest) {
    BackChannel viewer;
    const auto wire =
        hand_made::from_client({{1, "hello", false}, {9, "are you there"}, {0, "!"}, {2, "bytes"}, {10, ""}});
    for (const std::byte byte : wire) {
        ASSERT_TRUE(viewer.receive(ByteSpan{&byte, 1}, Instant{}));
    }
    EXPECT_EQ(viewer.next_output(), hand_made::from_server({{10, "are you there"}}));
    const Result<> over =
        viewer.receive(hand_made::from_client({hand_made::close(1001, "leaving"), {9, "x"}}), Instant{});
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, Errc::closed);
    EXPECT_EQ(viewer.next_output(), close_frame(1001));
    static_assert(sizeof(BackChannel) <= 256);
}

/// A client and a server that hear each other, a byte at a time.
struct Pair {
    SeededRandom random{7};
    Client client;
    Conversation server{Receiver::Limits{}};
    std::string request;

    Pair() : client{{.host = "x", .target = "/live/cam.mp4", .origin = "http://x"}, random, Instant{}} {
        request = as_text(client.next_output());
    }
    std::string_view key() const {
        const std::size_t at = request.find("Sec-WebSocket-Key: ") + 19;
        return std::string_view{request}.substr(at, 24);
    }
    Result<> answer(std::string_view text) {
        Result<> going;
        for (const char byte : text) {
            going = going ? client.receive(as_bytes({&byte, 1}), Instant{}) : going;
        }
        return going;
    }
    std::string good_answer() const {
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "sec-websocket-accept: " +
               accept_of(key()) + "\r\n\r\n";
    }
};

TEST(WebSocketClient, opens_and_speaks_masked) {
    Pair pair;
    EXPECT_TRUE(pair.request.starts_with("GET /live/cam.mp4 HTTP/1.1\r\nHost: x\r\n")) << pair.request;
    EXPECT_NE(pair.request.find("\r\nOrigin: http://x\r\n"), std::string::npos);
    ASSERT_TRUE(
        pair.answer(pair.good_answer() + std::string{as_text(hand_made::from_server({{2, "frame"}}))}));
    EXPECT_TRUE(std::holds_alternative<Opened>(*pair.client.next_event()));
    const auto event = pair.client.next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(as_text(std::get<Message>(*event).payload), "frame");

    pair.client.send(Opcode::text, as_bytes("hello"));
    pair.client.close(CloseCode::normal, Instant{});
    const std::vector<std::byte> wire = pair.client.next_output();
    EXPECT_EQ(as_text(wire).find("hello"), std::string::npos) << "it is masked";
    EXPECT_FALSE(pair.server.receive(wire, Instant{})) << "it ends in a close";
    EXPECT_EQ(as_text(std::get<Message>(*pair.server.next_event()).payload), "hello");
    EXPECT_EQ(std::get<Closed>(*pair.server.next_event()).code, CloseCode::normal);
    EXPECT_EQ(pair.client.receive(pair.server.next_output(), Instant{}).error().code, Errc::closed);
}

TEST(WebSocketClient, is_told_why_not) {
    Pair refused;
    EXPECT_EQ(refused.answer("HTTP/1.1 404 Not Found\r\n\r\n").error().code, Errc::refused);
    EXPECT_EQ(refused.client.status(), 404);
    Pair wrong;
    EXPECT_FALSE(wrong.answer("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n"));
    Pair endless;
    EXPECT_FALSE(endless.answer(std::string(20'000, 'x')));
    Pair silent;
    EXPECT_EQ(silent.client.deadline(), Instant{} + 10s);
    EXPECT_FALSE(silent.client.advance(silent.client.deadline()));
    Pair masked;
    EXPECT_FALSE(
        masked.answer(masked.good_answer() + std::string{as_text(hand_made::from_client({{2, "x"}}))}));
}

}   // namespace
}   // namespace millrace::ws
