#include "base/byte_writer.hpp"
#include "protocol/rtmp/chunk_reader.hpp"
#include "protocol/rtmp/chunk_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::rtmp {
namespace {

std::vector<std::byte> body_of(std::size_t size, unsigned seed = 1) {
    std::vector<std::byte> body(size);
    for (std::size_t i = 0; i < size; ++i) {
        body[i] = static_cast<std::byte>(i * 7 + seed);
    }
    return body;
}

/// Chunks by hand.
class Chunks {
public:
    std::vector<std::byte> bytes;

    Chunks& basic(unsigned format, std::uint32_t chunk_stream) {
        ByteWriter writer{bytes};
        const auto bits = static_cast<std::uint8_t>(format << 6U);
        if (chunk_stream < 64) {
            writer.u8(static_cast<std::uint8_t>(bits | chunk_stream));
        } else {
            writer.u8(bits | 1U);
            writer.u8(static_cast<std::uint8_t>(chunk_stream - 64));
            writer.u8(static_cast<std::uint8_t>((chunk_stream - 64) >> 8U));
        }
        return *this;
    }
    Chunks& time(std::uint32_t value) { return u24(value); }
    Chunks& u24(std::uint32_t value) {
        ByteWriter{bytes}.u24(value);
        return *this;
    }
    Chunks& u32(std::uint32_t value) {
        ByteWriter{bytes}.u32(value);
        return *this;
    }
    Chunks& length_and_type(std::uint32_t length, MessageType type) {
        ByteWriter{bytes}.u24(length);
        ByteWriter{bytes}.u8(static_cast<std::uint8_t>(type));
        return *this;
    }
    Chunks& stream(std::uint32_t id) {
        ByteWriter{bytes}.u32_little_endian(id);
        return *this;
    }
    Chunks& payload(ByteSpan part) {
        ByteWriter{bytes}.bytes(part);
        return *this;
    }
    Chunks& control(MessageType type, std::uint32_t value) {
        return basic(0, 2).time(0).length_and_type(4, type).stream(0).u32(value);
    }
};

Result<std::vector<Message>> read_all(ChunkReader& reader, ByteSpan bytes, std::size_t piece = SIZE_MAX) {
    std::vector<Message> messages;
    while (!bytes.empty()) {
        ByteSpan part = bytes.first(std::min(piece, bytes.size()));
        bytes = bytes.subspan(part.size());
        while (true) {
            auto message = reader.next(part);
            if (!message) {
                return std::unexpected(message.error());
            }
            if (!*message) {
                break;
            }
            messages.push_back(**std::move(message));
        }
        EXPECT_TRUE(part.empty());
    }
    return messages;
}

Errc error_of(ByteSpan bytes) {
    ChunkReader reader;
    const auto messages = read_all(reader, bytes);
    return messages ? Errc::would_block : messages.error().code;
}

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

TEST(Chunks, case_3_set_chunk_size_zero_or_negative_closes) {
    for (const std::uint32_t size : {0U, 0x80000000U, 0xFFFFFFFFU}) {
        EXPECT_EQ(error_of(Chunks{}.control(MessageType::set_chunk_size, size).bytes), Errc::malformed)
            << size;
    }
}

TEST(Chunks, case_3_set_chunk_size_huge_is_taken_as_the_longest_message) {
    ChunkReader reader;
    const auto chunks = Chunks{}.control(MessageType::set_chunk_size, 0x7FFFFFFFU);
    ASSERT_TRUE(read_all(reader, chunks.bytes));
    EXPECT_EQ(reader.chunk_size(), 0xFFFFFFU);
}

TEST(Chunks, case_4_announced_lengths_take_no_memory) {
    ChunkReader reader;
    Chunks chunks;
    for (std::uint32_t id = 3; id < 3 + partial_messages_max; ++id) {
        chunks.basic(0, id).time(0).length_and_type(video_length_max, MessageType::video).stream(1);
        chunks.payload(body_of(128));
    }
    ASSERT_TRUE(read_all(reader, chunks.bytes));
    EXPECT_LE(reader.memory(), 64U << 10U);
}

TEST(Chunks, case_4_a_message_longer_than_its_type_may_be_is_refused) {
    const std::pair<MessageType, std::size_t> limits[] = {
        {MessageType::video, video_length_max},     {MessageType::audio, audio_length_max},
        {MessageType::data, data_length_max},       {MessageType::data_amf3, data_length_max},
        {MessageType::command, command_length_max}, {MessageType::user_control, control_length_max},
        {MessageType{99}, command_length_max}};
    for (const auto& [type, limit] : limits) {
        for (const std::size_t length : {limit, limit + 1, 16'777'215UZ}) {
            const auto chunks = Chunks{}
                                    .basic(0, 5)
                                    .time(0)
                                    .length_and_type(static_cast<std::uint32_t>(length), type)
                                    .stream(0);
            EXPECT_EQ(error_of(chunks.bytes), length == limit ? Errc::would_block : Errc::exhausted);
        }
    }
}

TEST(Chunks, case_4_the_memory_of_unfinished_messages_has_a_budget) {
    ChunkReader small;
    Chunks many;
    many.control(MessageType::set_chunk_size, 1U << 20U);
    const auto piece = body_of(1U << 20U);
    for (std::uint32_t id = 3; id < 3 + 20; ++id) {
        many.basic(0, id).time(0).length_and_type(video_length_max, MessageType::video).stream(1);
        many.payload(piece);
    }
    const auto messages = read_all(small, many.bytes, 1U << 16U);
    ASSERT_FALSE(messages);
    EXPECT_EQ(messages.error().code, Errc::exhausted);
    EXPECT_LE(small.partial_bytes(), partial_bytes_max);
}

TEST(Chunks, case_5_of_format_2_or_3_may_not_begin_a_stream) {
    EXPECT_EQ(error_of(Chunks{}.basic(3, 5).bytes), Errc::malformed);
    EXPECT_EQ(error_of(Chunks{}.basic(2, 5).time(0).bytes), Errc::malformed);
    EXPECT_EQ(error_of(Chunks{}.basic(1, 5).time(0).length_and_type(0, MessageType::audio).bytes),
              Errc::would_block);
}

TEST(Chunks, case_5_a_message_may_not_begin_inside_another) {
    Chunks chunks;
    chunks.basic(0, 6).time(5).length_and_type(1000, MessageType::video).stream(1).payload(body_of(128));
    chunks.basic(1, 6).time(3).length_and_type(10, MessageType::video);
    EXPECT_EQ(error_of(chunks.bytes), Errc::malformed);
}

TEST(Chunks, case_5_partial_messages_on_65599_streams_meet_a_bound) {
    ChunkReader reader;
    std::size_t taken = 0;
    for (std::uint32_t id = 2; id <= chunk_stream_max; ++id) {
        Chunks chunks;
        chunks.basic(0, id).time(0).length_and_type(1000, MessageType::video).stream(1).payload(body_of(128));
        const auto messages = read_all(reader, chunks.bytes);
        if (!messages) {
            EXPECT_EQ(messages.error().code, Errc::exhausted);
            break;
        }
        ++taken;
    }
    EXPECT_EQ(taken, partial_messages_max);
}

TEST(Chunks, case_5_the_longest_unused_idle_stream_is_forgotten_for_a_new_one) {
    ChunkReader reader;
    const auto message = [](std::uint32_t id) {
        return Chunks{}
            .basic(0, id)
            .time(0)
            .length_and_type(1, MessageType::audio)
            .stream(1)
            .payload(body_of(1));
    };
    // Stream 2 stays open, 3 is used again; so 4 is the one that goes.
    ASSERT_TRUE(read_all(reader, Chunks{}
                                     .basic(0, 2)
                                     .time(0)
                                     .length_and_type(200, MessageType::video)
                                     .stream(1)
                                     .payload(body_of(128))
                                     .bytes));
    for (std::uint32_t id = 3; id < 2 + chunk_streams_max; ++id) {
        ASSERT_TRUE(read_all(reader, message(id).bytes));
    }
    ASSERT_TRUE(read_all(reader, message(3).bytes));
    ASSERT_TRUE(read_all(reader, message(60'000).bytes));
    EXPECT_EQ(reader.chunk_streams(), chunk_streams_max);
    EXPECT_TRUE(read_all(reader, Chunks{}.basic(3, 3).payload(body_of(1)).bytes));
    EXPECT_TRUE(read_all(reader, Chunks{}.basic(3, 2).payload(body_of(72)).bytes));
    EXPECT_FALSE(read_all(reader, Chunks{}.basic(3, 4).payload(body_of(1)).bytes));
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
