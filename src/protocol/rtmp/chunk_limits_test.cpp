#include "protocol/rtmp/hand_made_chunks.hpp"

#include <gtest/gtest.h>

namespace millrace::rtmp {
namespace {

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

}   // namespace
}   // namespace millrace::rtmp
