#include "protocol/ws/conversation.hpp"
#include "protocol/ws/hand_made_frames.hpp"

#include <gtest/gtest.h>

// The behaviour that the Autobahn test suite asks of an echo server, groups 1 to 7 and 10, as a table of our
// own: what a client sends, and what must come back, however the bytes are cut.

namespace millrace::ws {
namespace {

using hand_made::Frame;

struct Row {
    std::string name;
    std::vector<Frame> sent;
    std::vector<Frame> heard;   // before the close
    unsigned close = 0;         // 0: the client closes with 1000 after its frames, and is answered
};

constexpr unsigned broken = 1002;
constexpr unsigned bad_text = 1007;
constexpr unsigned cont = 0;
constexpr unsigned text = 1;
constexpr unsigned binary = 2;
constexpr unsigned ping = 9;
constexpr unsigned pong = 10;

/// An echo server's output for a client's bytes that come in pieces.
std::vector<std::byte> echo(ByteSpan wire, std::size_t first, std::size_t piece) {
    Conversation server{Receiver::Limits{}};
    std::vector<std::byte> out;
    Result<> going;
    for (std::size_t size = first; going && !wire.empty(); size = piece) {
        const ByteSpan part = wire.first(std::min(size, wire.size()));
        wire = wire.subspan(part.size());
        going = server.receive(part, Instant{});
        while (auto event = server.next_event()) {
            if (auto* message = std::get_if<Message>(&*event)) {
                server.send(message->kind, message->payload);
            }
        }
        const auto said = server.next_output();
        out.insert(out.end(), said.begin(), said.end());
    }
    EXPECT_FALSE(going) << "every row ends in a close";
    return out;
}

void expect(const Row& row) {
    std::vector<Frame> sent = row.sent;
    std::vector<Frame> heard = row.heard;
    if (row.close == 0) {
        sent.push_back(hand_made::close(1000));
    }
    heard.push_back(hand_made::close(row.close == 0 ? 1000 : row.close));
    const std::vector<std::byte> wire = hand_made::from_client(sent);
    const std::vector<std::byte> expected = hand_made::from_server(heard);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{997}}) {
        EXPECT_EQ(echo(wire, piece, piece), expected) << row.name << " in pieces of " << piece;
    }
    if (wire.size() > 1000) {
        return;
    }
    // At every byte; in the middle of what is long, less often.
    for (std::size_t cut = 1; cut <= wire.size(); cut += cut < 1000 ? 1 : 4001) {
        EXPECT_EQ(echo(wire, cut, wire.size()), expected) << row.name << " cut at " << cut;
    }
}

void expect_all(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        expect(row);
    }
}

TEST(Autobahn, group_1_every_size_of_frame_comes_back) {
    for (const unsigned kind : {text, binary}) {
        for (const std::size_t size : {0U, 125U, 126U, 127U, 128U, 65535U, 65536U}) {
            const Frame frame{kind, std::string(size, '*')};
            expect({fmt::format("1.{}.x {} bytes", kind, size), {frame}, {frame}});
        }
    }
}

TEST(Autobahn, group_2_pings_are_answered_and_pongs_are_not) {
    const std::string bytes = hand_made::from_hex("00fffefdfcfb00ff");
    const std::string most(125, '\xFE');
    std::vector<Frame> pings;
    std::vector<Frame> pongs;
    for (int i = 0; i < 10; ++i) {
        pings.push_back({ping, fmt::format("payload-{}", i)});
        pongs.push_back({pong, fmt::format("payload-{}", i)});
    }
    expect_all({
        {"2.1 empty", {{ping, ""}}, {{pong, ""}}},
        {"2.2 text", {{ping, "Hello, world!"}}, {{pong, "Hello, world!"}}},
        {"2.3 bytes", {{ping, bytes}}, {{pong, bytes}}},
        {"2.4, 2.6 the most", {{ping, most}}, {{pong, most}}},
        {"2.5 one more", {{ping, most + '\xFE'}}, {}, broken},
        {"2.7 empty pong", {{pong, ""}}, {}},
        {"2.8 pong", {{pong, "unsolicited"}}, {}},
        {"2.9 pong, then ping", {{pong, "unsolicited"}, {ping, "x"}}, {{pong, "x"}}},
        {"2.10, 2.11 ten pings", pings, pongs},
    });
}

TEST(Autobahn, group_3_reserved_bits_end_it) {
    const Frame good{text, "Hello, world!"};
    std::vector<Row> rows{
        {"3.5", {{binary, std::string(8, '\xFF'), true, 5}}, {}, broken},
        {"3.6", {{ping, "Hello", true, 6}}, {}, broken},
        {"3.7", {{8, "", true, 7}}, {}, broken},
    };
    for (unsigned bits = 1; bits <= 4; ++bits) {
        rows.push_back({"3.1", {{text, "Hello", true, bits}}, {}, broken});
        rows.push_back({"3.2 to 3.4", {good, {text, "Hello", true, bits}, {ping, ""}}, {good}, broken});
    }
    expect_all(rows);
}

TEST(Autobahn, group_4_reserved_opcodes_end_it) {
    const Frame good{text, "Hello, world!"};
    for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
        expect({fmt::format("4.x opcode {}", opcode), {{opcode, ""}}, {}, broken});
        expect({fmt::format("4.x opcode {}, payload", opcode), {{opcode, "reserved"}}, {}, broken});
        expect({"4.x behind a message", {good, {opcode, "reserved"}, {ping, ""}}, {good}, broken});
    }
}

TEST(Autobahn, group_5_fragments_make_messages_with_pings_in_between) {
    const Frame one{text, "fragment1", false};
    const Frame two{cont, "fragment2"};
    const Frame more{cont, "fragment2", false};
    const Frame both{text, "fragment1fragment2"};
    const Frame ask{ping, "ping payload"};
    const Frame answer{pong, "ping payload"};
    expect_all({
        {"5.1 a ping in fragments", {{ping, "fragment1", false}, {cont, "fragment2"}}, {}, broken},
        {"5.2 a pong in fragments", {{pong, "fragment1", false}, {cont, "fragment2"}}, {}, broken},
        {"5.3 to 5.5 two fragments", {one, two}, {both}},
        {"5.6 to 5.8 a ping between", {one, ask, two}, {answer, both}},
        {"5.9 a continuation of nothing", {{cont, "x"}, {text, "Hello"}}, {}, broken},
        {"5.12 the same, not the last", {{cont, "x", false}, {text, "Hello"}}, {}, broken},
        {"5.15 behind a whole message", {one, two, more, {text, "x"}}, {both}, broken},
        {"5.16 and again",
         {{cont, "fragment1", false}, {text, "fragment2", false}, {cont, "fragment3"}},
         {},
         broken},
        {"5.17 as the last", {{cont, "fragment1"}, {text, "fragment2", false}}, {}, broken},
        {"5.18 a message inside of one", {one, {text, "fragment2"}}, {}, broken},
        {"5.19, 5.20 five fragments and two pings",
         {one,
          more,
          {ping, "1"},
          {cont, "fragment3", false},
          {cont, "fragment4", false},
          {ping, "2"},
          {cont, "fragment5"}},
         {{pong, "1"}, {pong, "2"}, {text, "fragment1fragment2fragment3fragment4fragment5"}}},
    });
}

TEST(Autobahn, group_6_text_is_utf8_over_all_fragments) {
    const std::string kosme = hand_made::from_hex("cebae1bdb9cf83cebcceb5");
    const std::string surrogate = hand_made::from_hex("eda080");
    std::vector<Row> rows{
        {"6.1.1 empty", {{text, ""}}, {{text, ""}}},
        {"6.1.2 empty fragments", {{text, "", false}, {cont, "", false}, {cont, ""}}, {{text, ""}}},
        {"6.1.3 one not", {{text, "", false}, {cont, "x", false}, {cont, ""}}, {{text, "x"}}},
        {"6.3.2 bad", {{text, kosme + surrogate + "edited"}}, {}, bad_text},
        {"6.4.1 bad in the second fragment",
         {{text, kosme, false}, {cont, hand_made::from_hex("f4908080"), false}, {cont, "edited"}},
         {},
         bad_text},
        {"6.4.2 too high, byte by byte",
         {{text, kosme + '\xF4', false}, {cont, "\x90", false}, {cont, "\x80\x80"}},
         {},
         bad_text},
        {"bytes may be anything", {{binary, surrogate}}, {{binary, surrogate}}},
        {"a ping's too", {{ping, surrogate}}, {{pong, surrogate}}},
    };
    // 6.2: one character a byte, one fragment a byte.
    Row bytewise{"6.2.3", {{text, "", false}}, {{text, kosme}}};
    for (const char byte : kosme) {
        bytewise.sent.push_back({cont, std::string{byte}, false});
    }
    bytewise.sent.push_back({cont, ""});
    rows.push_back(bytewise);
    expect_all(rows);
}

TEST(Autobahn, group_6_every_well_formed_text_comes_back) {
    for (const std::string_view hex : {"48656c6c6f2dc2b540c39fc3b6c3a4c3bcc3a0c3a12d5554462d382121",   // 6.2
                                       "ceba",
                                       "cebae1bdb9",
                                       "cebae1bdb9cf83",
                                       "cebae1bdb9cf83cebc",   // 6.6
                                       "00",
                                       "c280",
                                       "e0a080",
                                       "f0908080",   // 6.7
                                       "7f",
                                       "dfbf",
                                       "efbfbf",
                                       "f48fbfbf",   // 6.9
                                       "ed9fbf",
                                       "ee8080",
                                       "efbfbd",   // 6.11
                                       "efbfbe",
                                       "f09fbfbe",
                                       "f09fbfbf",
                                       "f0afbfbe",
                                       "f48fbfbe",   // 6.22
                                       "efbfb9",
                                       "efbfba",
                                       "efbfbb",
                                       "efbfbc"}) {   // 6.23
        const Frame frame{text, hand_made::from_hex(hex)};
        expect({std::string{hex}, {frame}, {frame}});
    }
}

TEST(Autobahn, group_6_every_ill_formed_text_ends_it) {
    for (const std::string_view hex :
         {"ce",           "cebae1",       "cebae1bd",    "cebae1bdb9cf",   // 6.6, cut in a character
          "f888808080",   "fc8480808080", "f7bfbfbf",    "fbbfbfbfbf",     // 6.8, 6.10
          "fdbfbfbfbfbf", "f4908080",                                      // 6.10, 6.11
          "80",           "bf",           "80bf",        "80bf80",       "80bf80bf80bf",   // 6.12
          "c020c120c220", "e020e120",     "f020f120",    "f820",         "fc20",           // 6.13
          "c0",           "e080",         "f08080",      "f8808080",     "fc80808080",     // 6.14
          "df",           "efbf",         "f7bfbf",      "fbbfbfbf",     "fdbfbfbfbf",
          "c0e080f080",                                                                    // 6.14, 6.15
          "fe",           "ff",           "fefeffff",                                      // 6.16
          "c0af",         "e080af",       "f08080af",    "f8808080af",   "fc80808080af",   // 6.17
          "c1bf",         "e09fbf",       "f08fbfbf",    "f887bfbfbf",   "fc83bfbfbfbf",   // 6.18
          "c080",         "e08080",       "f0808080",    "f880808080",   "fc8080808080",   // 6.19
          "eda080",       "edadbf",       "edae80",      "edafbf",       "edb080",
          "edbe80",                                            // 6.20
          "edbfbf",       "eda080edb080", "edafbfedbfbf"}) {   // 6.20, 6.21
        expect({std::string{hex}, {{text, hand_made::from_hex(hex)}}, {}, bad_text});
    }
}

TEST(Autobahn, group_7_the_close_is_answered_once_and_ends_it) {
    const Frame hello{text, "Hello World!"};
    const Frame bye = hand_made::close(1000);
    const Frame large{text, std::string(65536, 'B')};
    expect_all({
        {"7.1.1 behind a message", {hello}, {hello}},
        {"7.1.2 twice", {bye, bye}, {}, 1000},
        {"7.1.3 a ping behind it", {bye, {ping, ""}}, {}, 1000},
        {"7.1.4 a message behind it", {bye, hello}, {}, 1000},
        {"7.1.5 amid fragments", {{text, "fragment1", false}, bye, {cont, "fragment2"}}, {}, 1000},
        {"7.1.6 behind a large message", {large, hello, bye, {ping, ""}}, {large, hello}, 1000},
        {"7.3.2 half a code", {{8, "a"}}, {}, broken},
        {"7.3.4 with a reason", {hand_made::close(1000, "Hello World!")}, {}, 1000},
        {"7.3.5 the longest", {hand_made::close(1000, std::string(123, '*'))}, {}, 1000},
        {"7.3.6 too long", {hand_made::close(1000, std::string(124, '*'))}, {}, broken},
        {"7.5.1 a reason that is no text", {hand_made::close(1000, "\xCE\xED\xA0\x80")}, {}, bad_text},
    });
}

TEST(Autobahn, group_7_an_empty_close_is_answered_by_one) {
    const std::vector<std::byte> wire = hand_made::from_client({{8, ""}});
    EXPECT_EQ(echo(wire, wire.size(), 1), hand_made::from_server({{8, ""}}));
}

TEST(Autobahn, group_7_codes_that_may_be_sent_come_back_and_others_end_it) {
    for (const unsigned code :
         {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U, 3000U, 3999U, 4000U, 4999U}) {
        expect({fmt::format("7.7 {}", code), {hand_made::close(code)}, {}, code});
    }
    for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1016U, 1100U, 2000U, 2999U, 5000U, 65535U}) {
        expect({fmt::format("7.9, 7.13 {}", code), {hand_made::close(code)}, {}, broken});
    }
}

TEST(Autobahn, group_10_a_large_message_in_fragments_of_1300_bytes) {
    const std::string payload(65536, '*');
    Row row{"10.1.1", {}, {{text, payload}}};
    for (std::size_t at = 0; at < payload.size(); at += 1300) {
        const std::size_t size = std::min<std::size_t>(1300, payload.size() - at);
        row.sent.push_back({at == 0 ? text : cont, payload.substr(at, size), at + size == payload.size()});
    }
    expect(row);
}

}   // namespace
}   // namespace millrace::ws
