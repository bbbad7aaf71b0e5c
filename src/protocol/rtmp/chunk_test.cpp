#include "protocol/rtmp/chunk_writer.hpp"
#include "protocol/rtmp/hand_made_chunks.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::rtmp {
namespace {

void announce_chunk_size(std::vector<std::byte>& out, std::uint32_t size) {
    std::vector<std::byte> value;
    ByteWriter{value}.u32(size);
    ChunkWriter{out}.write({.chunk_stream = 2, .type = MessageType::set_chunk_size, .body = value});
}

TEST(Chunks, row_3_16_are_of_128_bytes_until_set_chunk_size_and_go_on_with_one_byte_headers) {
    std::vector<std::byte> out;
    ChunkWriter{out}.write({.chunk_stream = 6, .type = MessageType::video, .body = body_of(300)});
    EXPECT_EQ(out.size(), 12 + 128 + 1 + 128 + 1 + 44U);
    EXPECT_EQ(out[12 + 128], std::byte{0xC6});
    ChunkReader reader;
    const auto messages = read_all(reader, out);
    ASSERT_TRUE(messages);
    EXPECT_EQ(messages->at(0).body, body_of(300));
}

TEST(Chunks, are_written_byte_for_byte_as_specified) {
    std::vector<std::byte> out;
    ChunkWriter{out, 4}.write({.chunk_stream = 320,
                               .type = MessageType::audio,
                               .stream_id = 1,
                               .timestamp_ms = 0x01020304,
                               .body = body_of(5, 0)});
    const std::vector<unsigned> expected{0x01, 0x00, 0x01, 0xFF, 0xFF, 0xFF, 0,  0,    5, 8, 1, 0, 0, 0, 1,
                                         2,    3,    4,    0,    7,    14,   21, 0xC1, 0, 1, 1, 2, 3, 4, 28};
    ASSERT_EQ(out.size(), expected.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(static_cast<unsigned>(out[i]), expected[i]) << i;
    }
}

TEST(Chunks, row_3_16_round_trip_at_every_chunk_size_and_cut) {
    const auto body = body_of(200);
    for (std::uint32_t size = 1; size <= 202; ++size) {
        std::vector<std::byte> out;
        announce_chunk_size(out, size);
        ChunkWriter{out, size}.write(
            {.chunk_stream = 4, .type = MessageType::audio, .timestamp_ms = 7, .body = body});
        for (const std::size_t piece : {1UZ, 2UZ, 13UZ, SIZE_MAX}) {
            ChunkReader reader;
            const auto messages = read_all(reader, out, piece);
            ASSERT_TRUE(messages);
            ASSERT_EQ(messages->size(), 2U);
            EXPECT_EQ(messages->at(1).body, body);
            EXPECT_EQ(messages->at(1).timestamp_ms, 7U);
            EXPECT_EQ(reader.partial_bytes(), 0U);
        }
    }
}

TEST(Chunks, survive_a_cut_in_two_at_every_byte) {
    std::vector<std::byte> out;
    for (const std::uint32_t id : {2U, 63U, 64U, 319U, 320U, 65'599U}) {
        ChunkWriter{out}.write({.chunk_stream = id,
                                .type = MessageType::video,
                                .timestamp_ms = 0x1000000,
                                .body = body_of(150, id)});
    }
    for (std::size_t cut = 0; cut <= out.size(); ++cut) {
        ChunkReader reader;
        auto first = read_all(reader, ByteSpan{out}.first(cut));
        auto second = read_all(reader, ByteSpan{out}.subspan(cut));
        ASSERT_TRUE(first && second) << cut;
        EXPECT_EQ(first->size() + second->size(), 6U);
    }
}

TEST(Chunks, row_3_16_have_ids_from_2_to_65599) {
    for (std::uint32_t id = chunk_stream_min; id <= chunk_stream_max; id += id < 400 ? 1 : 97) {
        std::vector<std::byte> out;
        ChunkWriter{out}.write({.chunk_stream = id, .type = MessageType::audio, .body = body_of(130, id)});
        const std::size_t basic = id < 64 ? 1 : id < 320 ? 2 : 3;
        EXPECT_EQ(out.size(), 2 * basic + 11 + 130) << id;
        ChunkReader reader;
        const auto messages = read_all(reader, out);
        ASSERT_TRUE(messages) << id;
        EXPECT_EQ(messages->at(0).body, body_of(130, id));
    }
}

TEST(Chunks, row_3_16_carry_extended_timestamps_also_in_format_3) {
    for (const std::uint32_t time :
         {0U, 0xFFFFFEU, 0xFFFFFFU, 0x1000000U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
        std::vector<std::byte> out;
        ChunkWriter{out}.write(
            {.chunk_stream = 4, .type = MessageType::audio, .timestamp_ms = time, .body = body_of(300)});
        const bool extended = time >= 0xFFFFFF;
        EXPECT_EQ(out.size(), 12 + 300 + 2 + (extended ? 12U : 0U));
        ChunkReader reader;
        const auto messages = read_all(reader, out, 3);
        ASSERT_TRUE(messages);
        EXPECT_EQ(messages->at(0).timestamp_ms, time);
        EXPECT_EQ(messages->at(0).body, body_of(300));
    }
}

TEST(Chunks, case_10_add_deltas_and_repeat_them_modulo_2_to_the_32) {
    Chunks chunks;
    const auto body = body_of(4);
    chunks.basic(0, 4).time(0xFFFFFF).length_and_type(4, MessageType::audio).stream(1).u32(0xFFFF'FFF0U);
    chunks.payload(body);
    chunks.basic(1, 4).time(10).length_and_type(4, MessageType::audio).payload(body);
    chunks.basic(2, 4).time(20).payload(body);
    chunks.basic(3, 4).payload(body);
    chunks.basic(2, 4).time(0xFFFFFF).u32(0xFFFF'FFFFU).payload(body);   // one back
    chunks.basic(3, 4).u32(0xFFFF'FFFFU).payload(body);
    ChunkReader reader;
    const auto messages = read_all(reader, chunks.bytes, 1);
    ASSERT_TRUE(messages);
    std::vector<std::uint32_t> times;
    for (const Message& message : *messages) {
        times.push_back(message.timestamp_ms);
        EXPECT_EQ(message.stream_id, 1U);
        EXPECT_EQ(message.body, body);
    }
    EXPECT_EQ(times, (std::vector<std::uint32_t>{0xFFFF'FFF0U, 0xFFFF'FFFAU, 14, 34, 33, 32}));
}

TEST(Chunks, of_format_3_after_a_full_header_repeat_its_time_as_delta) {
    Chunks chunks;
    const auto body = body_of(1);
    chunks.basic(0, 4).time(1000).length_and_type(1, MessageType::audio).stream(1).payload(body);
    chunks.basic(3, 4).payload(body);
    ChunkReader reader;
    const auto messages = read_all(reader, chunks.bytes);
    ASSERT_TRUE(messages);
    EXPECT_EQ(messages->at(1).timestamp_ms, 2000U);   // §5.3.1.2.4
}

TEST(Chunks, row_3_17_of_different_streams_interleave) {
    const auto audio = body_of(300, 3);
    const auto video = body_of(1000, 9);
    Chunks chunks;
    chunks.basic(0, 6).time(5).length_and_type(1000, MessageType::video).stream(1);
    chunks.payload(ByteSpan{video}.first(128));
    chunks.basic(0, 4).time(6).length_and_type(300, MessageType::audio).stream(1);
    chunks.payload(ByteSpan{audio}.first(128));
    for (std::size_t at = 128; at < 1000; at += 128) {
        chunks.basic(3, 6).payload(ByteSpan{video}.subspan(at, std::min(128UZ, 1000 - at)));
        if (at < 300) {
            chunks.basic(3, 4).payload(ByteSpan{audio}.subspan(at, std::min(128UZ, 300 - at)));
        }
    }
    for (const std::size_t piece : {1UZ, 100UZ, SIZE_MAX}) {
        ChunkReader reader;
        const auto messages = read_all(reader, chunks.bytes, piece);
        ASSERT_TRUE(messages);
        ASSERT_EQ(messages->size(), 2U);
        EXPECT_EQ(messages->at(0).body, audio);
        EXPECT_EQ(messages->at(1).body, video);
        EXPECT_EQ(reader.partial_bytes(), 0U);
    }
}

TEST(Chunks, row_3_17_abort_drops_the_unfinished_message) {
    Chunks chunks;
    chunks.basic(0, 6).time(5).length_and_type(1000, MessageType::video).stream(1).payload(body_of(128));
    chunks.control(MessageType::abort, 6);
    chunks.control(MessageType::abort, 777);
    chunks.basic(1, 6).time(3).length_and_type(10, MessageType::video).payload(body_of(10));
    ChunkReader reader;
    const auto messages = read_all(reader, chunks.bytes);
    ASSERT_TRUE(messages);
    ASSERT_EQ(messages->size(), 3U);
    EXPECT_EQ(messages->at(2).body, body_of(10));
    EXPECT_EQ(messages->at(2).timestamp_ms, 8U);
    EXPECT_EQ(reader.partial_bytes(), 0U);
}

TEST(Chunks, take_a_new_size_between_the_chunks_of_a_message) {
    const auto body = body_of(400);
    Chunks chunks;
    chunks.basic(0, 6).time(5).length_and_type(400, MessageType::video).stream(1);
    chunks.payload(ByteSpan{body}.first(128));
    chunks.control(MessageType::set_chunk_size, 1000);
    chunks.basic(3, 6).payload(ByteSpan{body}.subspan(128));
    ChunkReader reader;
    const auto messages = read_all(reader, chunks.bytes);
    ASSERT_TRUE(messages);
    EXPECT_EQ(messages->at(1).body, body);
}

TEST(Chunks, may_carry_messages_of_no_bytes) {
    Chunks chunks;
    chunks.basic(0, 4).time(9).length_and_type(0, MessageType::audio).stream(1);
    chunks.basic(3, 4);
    ChunkReader reader;
    const auto messages = read_all(reader, chunks.bytes);
    ASSERT_TRUE(messages);
    EXPECT_EQ(messages->size(), 2U);
}

}   // namespace
}   // namespace millrace::rtmp
