#include "protocol/rtmp/client_back_channel.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "protocol/rtmp/chunk_reader.hpp"
#include "protocol/rtmp/chunk_writer.hpp"
#include "protocol/rtmp/command.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace::rtmp {
namespace {

std::vector<std::byte> chunks_of(const OutgoingMessage& message) {
    std::vector<std::byte> bytes;
    ChunkWriter{bytes}.write(message);
    return bytes;
}

TEST(PublisherBackChannel, ends_where_the_server_takes_no_more) {
    struct Case {
        std::string_view level;
        std::string_view code;
        bool goes_on;
    };
    constexpr std::array cases{Case{"status", "NetStream.Unpublish.Success", false},
                               Case{"status", "NetConnection.Connect.Closed", false},
                               Case{"error", "NetStream.Publish.Failed", false},
                               Case{"status", "NetStream.Publish.Start", true},
                               Case{"warning", "NetStream.Any.Thing", true}};
    for (const Case& one : cases) {
        const auto body =
            encode({.name = "onStatus", .arguments = {amf0::Null{}, status(one.level, one.code, "words")}});
        const std::vector<std::byte> bytes = chunks_of({.stream_id = 1, .body = body});
        PublisherBackChannel channel{Link{}};
        Result<> heard;
        for (std::size_t i = 0; i < bytes.size() && heard; ++i) {
            heard = channel.receive(ByteSpan{bytes}.subspan(i, 1), {});
        }
        EXPECT_EQ(heard.has_value(), one.goes_on) << one.code;
    }
}

TEST(PublisherBackChannel, answers_pings_and_drops_other_calls) {
    std::vector<std::byte> ping;
    ByteWriter writer{ping};
    writer.u16(6);
    writer.u32(99);
    PublisherBackChannel channel{Link{}};
    ASSERT_TRUE(
        channel.receive(chunks_of({.chunk_stream = 2, .type = MessageType::user_control, .body = ping}), {}));
    const std::vector<std::byte> said = channel.next_output();
    ChunkReader reader;
    ByteSpan rest{said};
    const auto pong = reader.next(rest);
    ASSERT_TRUE(pong && *pong);
    ByteReader fields{(*pong)->body};
    EXPECT_EQ(fields.u16(), 7);
    EXPECT_EQ(fields.u32(), 99U);
    std::vector<std::byte> bare;   // a name alone, as ffmpeg's server says it
    ByteWriter bare_writer{bare};
    amf0::write(bare_writer, "onFCPublish");
    ASSERT_TRUE(channel.receive(chunks_of({.body = bare}), {}));
    const auto call = encode({.name = "onBWDone", .arguments = {amf0::Null{}}});
    ASSERT_TRUE(channel.receive(chunks_of({.body = call}), {}));
    EXPECT_TRUE(channel.next_output().empty());
}

}   // namespace
}   // namespace millrace::rtmp
