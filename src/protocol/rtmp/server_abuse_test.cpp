#include "protocol/rtmp/raw_client.hpp"
#include "protocol/rtmp/server.hpp"

#include <gtest/gtest.h>

namespace millrace::rtmp {
namespace {

using Codes = std::vector<std::string>;

TEST(Server, case_1_gives_up_after_ten_seconds_whatever_came) {
    for (const std::size_t sent : {0UZ, 1UZ, 1000UZ, 1536UZ, 1537UZ, 3000UZ, 3073UZ}) {
        RawClient client;
        const Instant start = client.now;
        std::vector<std::byte> hello{std::byte{version_plain}};
        hello.resize(1 + 2 * handshake_packet_size);
        for (const std::byte byte : ByteSpan{hello}.first(sent)) {
            client.now = client.now + 1ms;
            client.give(ByteSpan{&byte, 1});
        }
        ASSERT_TRUE(client.last);
        EXPECT_EQ(client.server.deadline(), start + 10s);
        EXPECT_TRUE(client.server.advance(start + 9'999ms));
        const auto late = client.server.advance(start + 10s);
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error().code, Errc::timed_out);
    }
}

TEST(Server, case_1_connect_alone_does_not_stop_the_clock) {
    RawClient client;
    client.reach_stream();
    EXPECT_EQ(client.server.deadline(), client.now + setup_time_max);
    client.publish();
    EXPECT_EQ(client.server.deadline(), Instant::never());
}

TEST(Server, case_6_hostile_amf0_ends_the_conversation) {
    const auto repeated = [](std::string_view unit, std::size_t count) {
        std::string text{
            "\x02\x00\x07"
            "connect"
            "\x00\x3f\xf0\x00\x00\x00\x00\x00\x00",
            19};
        for (std::size_t i = 0; i < count; ++i) {
            text += unit;
        }
        return text;
    };
    const std::string bodies[] = {
        repeated({"\x03\x00\x01"
                  "a",
                  4},
                 15'000),                                // objects in objects
        repeated({"\x0a\x00\x00\x00\x01", 5}, 10'000),   // arrays in arrays
        repeated({"\x0a\xff\xff\xff\xff", 5}, 1),        // an endless array
        repeated({"\x02\xff\xff"
                  "abc",
                  6},
                 1),   // a text longer than the message
        repeated({"\x03\x00\x01"
                  "a\x05",
                  5},
                 1),                        // an object without end
        repeated({"\x07\x00\x00", 3}, 1),   // a reference
        {"\x02\x00", 2},
        {"\x05", 1},
    };
    for (const std::string& body : bodies) {
        RawClient client;
        client.shake_hands();
        client.say({.body = as_bytes(body)});
        EXPECT_FALSE(client.last);
        EXPECT_TRUE(client.events_of<Server::PublishRequested>().empty());
    }
}

TEST(Server, case_7_publish_before_connect_is_answered_with_error_and_closed) {
    RawClient client;
    client.shake_hands();
    client.publish();
    EXPECT_EQ(client.last.error().code, Errc::refused);
    EXPECT_EQ(client.codes("_error"), Codes{"NetConnection.Call.Failed"});
}

TEST(Server, case_7_publish_and_play_before_create_stream_are_answered_with_error_and_closed) {
    for (const bool publish : {true, false}) {
        RawClient client;
        client.shake_hands();
        client.connect();
        publish ? client.publish() : client.play();
        EXPECT_EQ(client.last.error().code, Errc::refused);
        EXPECT_EQ(client.codes("_error"), Codes{"NetConnection.Call.Failed"});
        EXPECT_TRUE(client.events_of<Server::PublishRequested>().empty());
        EXPECT_TRUE(client.events_of<Server::PlayRequested>().empty());
    }
}

TEST(Server, case_7_a_second_play_or_publish_is_answered_with_error_and_the_first_goes_on) {
    RawClient client;
    client.reach_publishing();
    client.publish("other");
    client.play();
    client.create_stream();
    EXPECT_EQ(client.commands("_error").size(), 3U);
    client.say_media(MessageType::video, 0, "x");
    EXPECT_EQ(client.events_of<Media>().size(), 1U);
    EXPECT_EQ(client.events_of<Server::PublishRequested>().size(), 1U);
    RawClient player;
    player.reach_playing();
    player.play();
    EXPECT_EQ(player.commands("_error").size(), 1U);
    EXPECT_TRUE(player.server.playing());
}

TEST(Server, case_7_delete_stream_of_another_id_is_ignored) {
    RawClient client;
    client.reach_publishing();
    for (const amf0::Value& id : {amf0::Value{2}, amf0::Value{0}, amf0::Value{-1}, amf0::Value{"1"},
                                  amf0::Value{__builtin_nan("")}}) {
        client.say(Command{"deleteStream", 0, {amf0::Null{}, id}});
    }
    client.say(Command{"closeStream", 0, {amf0::Null{}}}, 9);
    EXPECT_TRUE(client.last);
    EXPECT_TRUE(client.server.publishing());
    EXPECT_EQ(client.server.counters().commands_ignored, 6U);
}

TEST(Server, case_7_a_second_connect_is_answered_with_error_and_closed) {
    RawClient client;
    client.reach_stream();
    client.connect();
    EXPECT_EQ(client.last.error().code, Errc::refused);
    EXPECT_EQ(client.commands("_error").size(), 1U);
}

TEST(Server, case_11_a_ping_flood_is_bounded) {
    RawClient client;
    client.reach_playing();
    std::vector<std::byte> ping(6);
    ping[1] = std::byte{6};
    int answered = 0;
    for (; client.last && answered < 10'000; ++answered) {
        client.say({.chunk_stream = 2, .type = MessageType::user_control, .body = ping});
    }
    EXPECT_EQ(client.last.error().code, Errc::exhausted);
    EXPECT_LE(answered, messages_burst_max);
}

TEST(Server, case_11_ten_thousand_metadata_messages_a_second_are_bounded) {
    RawClient client;
    client.reach_publishing();
    int taken = 0;
    for (; client.last && taken < 10'000; ++taken) {
        client.now = client.now + 100us;
        client.say_media(MessageType::data, 0, std::string_view{"\x02\x00\x01x", 4});
    }
    EXPECT_EQ(client.last.error().code, Errc::exhausted);
    EXPECT_LE(taken, messages_burst_max + 10);
}

TEST(Server, case_11_a_steady_stream_below_the_bound_goes_on) {
    RawClient client;
    client.reach_publishing();
    for (int i = 0; i < 3'000; ++i) {
        client.now = client.now + 5ms;
        client.say_media(MessageType::data, 0, std::string_view{"\x02\x00\x01x", 4});
        client.say_media(MessageType::audio, 0, "sound");
    }
    EXPECT_TRUE(client.last);
}

TEST(Server, case_12_passes_names_raw) {
    const std::string names[] = {std::string(60'000, 'a'),
                                 "",
                                 "..",
                                 "a/../../etc",
                                 "%2e%2e",
                                 std::string{"a\0b", 3},
                                 "a\r\nb",
                                 "\xE2\x80\xAE",
                                 "<img onerror>",
                                 ";rm",
                                 "-rf",
                                 "$(id)"};
    for (const std::string& name : names) {
        RawClient client;
        client.reach_stream();
        client.publish(name);
        const auto asked = client.events_of<Server::PublishRequested>();
        ASSERT_EQ(asked.size(), 1U);
        EXPECT_EQ(asked[0].name, name.empty() ? "live" : "live/" + name);
    }
    RawClient client;
    client.reach_stream();
    client.publish(std::string(70'000, 'a'));
    EXPECT_EQ(client.last.error().code, Errc::exhausted);
}

}   // namespace
}   // namespace millrace::rtmp
