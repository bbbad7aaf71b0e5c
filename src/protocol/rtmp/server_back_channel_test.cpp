#include "protocol/rtmp/server_back_channel.hpp"
#include "base/byte_writer.hpp"
#include "protocol/rtmp/chunk_writer.hpp"
#include "protocol/rtmp/raw_client.hpp"

#include <gtest/gtest.h>

namespace millrace::rtmp {
namespace {

struct Playing {
    RawClient client;
    std::unique_ptr<BackChannel> channel;
    std::vector<bool> pauses;

    Playing() {
        client.reach_playing();
        channel =
            into_back_channel(std::move(client.server), [this](bool paused) { pauses.push_back(paused); });
    }
    Result<> say(const OutgoingMessage& message) {
        std::vector<std::byte> bytes;
        ChunkWriter{bytes}.write(message);
        Result<> result;
        for (std::size_t i = 0; i < bytes.size() && result; ++i) {
            result = channel->receive(ByteSpan{bytes}.subspan(i, 1), client.now);
        }
        client.hear(channel->next_output());
        return result;
    }
    Result<> say(const Command& command, std::uint32_t stream_id = 1) {
        const auto body = encode(command);
        return say({.stream_id = stream_id, .body = body});
    }
};

TEST(PlayerBackChannel, is_small) {
    Playing playing;
    EXPECT_LE(dynamic_cast<PlayerBackChannel&>(*playing.channel).memory(), 1'024U);
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(playing.say(Command{"_checkbw", 9, {amf0::Null{}}}));
    }
    EXPECT_LE(dynamic_cast<PlayerBackChannel&>(*playing.channel).memory(), 1'024U);
}

TEST(PlayerBackChannel, answers_pings_and_calls) {
    Playing playing;
    std::vector<std::byte> ping;
    ByteWriter writer{ping};
    writer.u16(6);
    writer.u32(99);
    ASSERT_TRUE(playing.say({.chunk_stream = 2, .type = MessageType::user_control, .body = ping}));
    ByteReader pong{playing.client.heard.back().body};
    EXPECT_EQ(pong.u16(), 7);
    EXPECT_EQ(pong.u32(), 99U);
    ASSERT_TRUE(playing.say(Command{"getStreamLength", 8, {amf0::Null{}, "cam"}}));
    ASSERT_TRUE(playing.say(Command{"play", 9, {amf0::Null{}, "cam"}}));
    const Command error = *read_command(playing.client.heard.back());
    EXPECT_EQ(error.name, "_error");
    EXPECT_EQ(error.transaction, 9);
}

TEST(PlayerBackChannel, answers_a_pause_and_tells_its_owner) {
    Playing playing;
    ASSERT_TRUE(playing.say(Command{"pause", 0, {amf0::Null{}, true, 0}}));
    ASSERT_TRUE(playing.say(Command{"pause", 0, {amf0::Null{}, false, 0}}));
    EXPECT_EQ(playing.pauses, (std::vector<bool>{true, false}));
    const Command status = *read_command(playing.client.heard.back());
    EXPECT_EQ(*status.arguments[1].find_text("code"), "NetStream.Unpause.Notify");
}

TEST(PlayerBackChannel, ends_when_the_player_says_so) {
    for (const bool named : {true, false}) {
        Playing playing;
        ASSERT_TRUE(playing.say(Command{"deleteStream", 0, {amf0::Null{}, 2}}, 0));
        const auto ended = named ? playing.say(Command{"deleteStream", 0, {amf0::Null{}, 1}}, 0)
                                 : playing.say(Command{"closeStream", 0, {amf0::Null{}}});
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code, Errc::closed);
    }
}

TEST(PlayerBackChannel, case_11_bounds_a_ping_flood) {
    Playing playing;
    std::vector<std::byte> ping(6);
    ping[1] = std::byte{6};
    Result<> result;
    for (int i = 0; i < 1'000 && result; ++i) {
        result = playing.say({.chunk_stream = 2, .type = MessageType::user_control, .body = ping});
    }
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::exhausted);
}

TEST(PlayerBackChannel, of_a_player_that_left_before_is_closed) {
    RawClient client;
    client.reach_playing();
    client.say(Command{"deleteStream", 0, {amf0::Null{}, 1}});
    const auto channel = into_back_channel(std::move(client.server), {});
    const std::array byte{std::byte{2}};
    EXPECT_EQ(channel->receive(byte, client.now).error().code, Errc::closed);
}

}   // namespace
}   // namespace millrace::rtmp
