#include "protocol/rtmp/muxer.hpp"

#include "base/byte_reader.hpp"
#include "container/flv_reader.hpp"
#include "container/flv_samples.hpp"
#include "protocol/rtmp/chunk_reader.hpp"
#include "protocol/rtmp/chunk_writer.hpp"
#include "protocol/rtmp/command.hpp"

#include <gtest/gtest.h>

namespace millrace::rtmp {
namespace {

using media::Codec;
namespace samples = flv::samples;

/// The messages a player makes of our bytes, once told the chunk size.
std::vector<Message> read_messages(ByteSpan bytes) {
    constexpr std::array size{std::byte{0}, std::byte{0}, std::byte{0x7D}, std::byte{0}};
    static_assert(chunk_size_to_players == 0x7D00);
    std::vector<std::byte> conversation;
    ChunkWriter{conversation}.write(
        {.chunk_stream = control_chunk_stream, .type = MessageType::set_chunk_size, .body = size});
    conversation.insert(conversation.end(), bytes.begin(), bytes.end());
    ChunkReader reader;
    ByteSpan rest{conversation};
    std::vector<Message> messages;
    while (true) {
        Result<std::optional<Message>> message = reader.next(rest);
        EXPECT_TRUE(message);
        if (!message || !*message) {
            break;
        }
        messages.push_back(std::move(**message));
    }
    EXPECT_EQ(reader.partial_bytes(), 0U);
    EXPECT_FALSE(messages.empty());
    messages.erase(messages.begin());
    return messages;
}

std::vector<media::AccessUnit> units_in(const std::vector<Message>& messages) {
    flv::TagReader reader;
    std::vector<media::AccessUnit> units;
    for (const Message& message : messages) {
        const auto type = flv::TagType{static_cast<std::uint8_t>(message.type)};
        Result<std::optional<flv::Item>> item =
            reader.read(type, message.timestamp_ms, Bytes::copy(message.body));
        EXPECT_TRUE(item);
        if (item && *item && std::holds_alternative<media::AccessUnit>(**item)) {
            units.push_back(std::get<media::AccessUnit>(std::move(**item)));
        }
    }
    return units;
}

TEST(RtmpMuxer, every_codec_comes_back_at_every_age_of_a_run) {
    constexpr std::int64_t starts_ms[] = {0, 0xFFFFFF - 40, 18'000'000, 2'160'000'000, 0xFFFFFFFF - 50};
    for (const Codec codec : {Codec::h264, Codec::h265, Codec::av1, Codec::aac, Codec::opus, Codec::mp3}) {
        const media::Track track = samples::track(codec);
        for (const std::int64_t start_ms : starts_ms) {
            BlockLog log;
            Muxer muxer;
            muxer.configure({&track, 1}, log, {});
            const std::vector<media::AccessUnit> sent = samples::units(track, start_ms);
            for (const media::AccessUnit& unit : sent) {
                muxer.write(unit, log, {});
            }
            const std::vector<media::AccessUnit> units = units_in(read_messages(samples::bytes_of(log)));
            ASSERT_EQ(units.size(), sent.size()) << media::name(codec) << start_ms;
            for (std::size_t i = 0; i < sent.size(); ++i) {
                EXPECT_EQ(units[i].payload, sent[i].payload);
                EXPECT_LE(sent[i].dts_ms() - units[i].dts_ms(), 1);
                EXPECT_GE(sent[i].dts_ms() - units[i].dts_ms(), 0);
                EXPECT_EQ(units[i].pts_ms() - units[i].dts_ms(), sent[i].pts_ms() - sent[i].dts_ms());
            }
        }
    }
}

TEST(RtmpMuxer, a_message_starts_with_a_full_header) {
    const media::Track track = samples::track(Codec::aac);
    BlockLog log;
    Muxer muxer;
    muxer.configure({&track, 1}, log, {});
    const std::uint64_t begin = log.head();
    muxer.write(samples::units(track, 1000).front(), log, {});
    (void)log.take_change();
    LogView view;
    view.apply(log.snapshot());
    std::array<ByteSpan, 1> slices;
    ASSERT_EQ(view.gather(begin, view.head(), slices), 1U);
    EXPECT_EQ(Bytes::copy(slices[0]), Bytes{samples::from_hex("04 0003E8 000006 08 01000000 AF01 21004503")});
}

TEST(RtmpMuxer, a_long_message_is_cut_at_the_chunk_size_and_repeats_its_extended_time) {
    media::Track track = samples::track(Codec::opus);
    media::AccessUnit unit = samples::units(track, 0x01020304).front();
    std::vector<std::byte> payload(3 * chunk_size_to_players, std::byte{0x55});
    unit.payload = Bytes{payload};
    BlockLog log{{.bytes_max = 64U << 20U}};
    Muxer muxer;
    muxer.configure({&track, 1}, log, {});
    const std::size_t before = log.head();
    muxer.write(unit, log, {});
    (void)log.take_change();

    LogView view;
    view.apply(log.snapshot());
    const auto at = [&view, before](std::size_t offset, std::size_t count) {
        std::vector<std::byte> bytes;
        for (std::size_t i = 0; i < count; ++i) {
            std::array<ByteSpan, 1> slice;
            view.gather(before + offset + i, before + offset + i + 1, slice);
            bytes.push_back(slice[0][0]);
        }
        return bytes;
    };
    constexpr std::size_t header = 16;
    constexpr std::size_t next = 5;
    EXPECT_EQ(at(0, header), samples::from_hex("04 FFFFFF 017705 08 01000000 01020304"));
    EXPECT_EQ(at(header + chunk_size_to_players, next), samples::from_hex("C4 01020304"));
    EXPECT_EQ(at(header + 2 * chunk_size_to_players + next, next), samples::from_hex("C4 01020304"));
    EXPECT_EQ(view.head() - before, header + 3 * next + 3 * chunk_size_to_players + 5);
}

TEST(RtmpMuxer, a_body_of_whole_chunks_has_no_empty_one_behind_it) {
    const media::Track track = samples::track(Codec::aac);
    for (const std::size_t size :
         {chunk_size_to_players - 3, chunk_size_to_players - 2, chunk_size_to_players - 1}) {
        media::AccessUnit unit = samples::units(track, 0).front();
        unit.payload = Bytes{std::vector<std::byte>(size, std::byte{0x21})};
        BlockLog log;
        Muxer muxer;
        muxer.configure({&track, 1}, log, {});
        muxer.write(unit, log, {});
        const std::vector<media::AccessUnit> units = units_in(read_messages(samples::bytes_of(log)));
        ASSERT_EQ(units.size(), 1U);
        EXPECT_EQ(units[0].payload, unit.payload);
    }
}

TEST(RtmpMuxer, any_message_end_is_an_entrance) {
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    BlockLog log;
    Muxer muxer;
    muxer.configure(tracks, log, {});
    const std::vector<media::AccessUnit> video = samples::units(tracks[0], 20'000'000);
    const std::vector<media::AccessUnit> audio = samples::units(tracks[1], 20'000'000);
    for (std::size_t i = 0; i < audio.size(); ++i) {
        muxer.write(video[i], log, {});
        muxer.write(audio[i], log, {});
    }
    const std::vector<MessageEnd> ends = log.take_change().messages;
    LogView view;
    view.apply(log.snapshot());
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const Bytes resume = muxer.resume();
        std::vector<std::byte> bytes(resume.begin(), resume.end());
        std::array<ByteSpan, 4> slices;
        const std::size_t count = view.gather(ends[i].offset, view.head(), slices);
        for (const ByteSpan slice : std::span{slices}.first(count)) {
            bytes.insert(bytes.end(), slice.begin(), slice.end());
        }
        EXPECT_EQ(read_messages(bytes).size(), 3 + ends.size() - 1 - i);
    }
}

TEST(RtmpMuxer, the_end_is_said_by_stream_eof_and_play_stop) {
    BlockLog log;
    Muxer muxer;
    muxer.end(log, {});
    const std::vector<Message> messages = read_messages(samples::bytes_of(log));
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0].type, MessageType::user_control);
    EXPECT_EQ(messages[0].stream_id, 0U);
    EXPECT_EQ(messages[0].body, samples::from_hex("0001 00000001"));
    EXPECT_EQ(messages[1].stream_id, the_stream_id);
    const Result<Command> notice = read_command(messages[1]);
    ASSERT_TRUE(notice);
    EXPECT_EQ(notice->name, "onStatus");
    ASSERT_EQ(notice->arguments.size(), 2U);
    EXPECT_EQ(*notice->arguments[1].find_text("code"), "NetStream.Play.Stop");
    EXPECT_TRUE(muxer.lead({}).empty());
}

TEST(RtmpMuxer, a_publishers_end_is_told_by_unpublish_notify) {
    BlockLog log;
    Muxer muxer;
    muxer.unpublished(log, {});
    const std::vector<Message> messages = read_messages(samples::bytes_of(log));
    ASSERT_EQ(messages.size(), 1U);
    const Result<Command> notice = read_command(messages[0]);
    ASSERT_TRUE(notice);
    EXPECT_EQ(*notice->arguments.at(1).find_text("code"), "NetStream.Play.UnpublishNotify");
}

TEST(RtmpMuxer, to_servers_metadata_is_named_as_such_and_the_end_is_the_publishers) {
    BlockLog log;
    Muxer muxer{Readers{.servers = true, .stream_id = 7}};
    const media::Track track = samples::track(Codec::h264);
    muxer.configure({&track, 1}, log, {});
    for (const media::AccessUnit& unit : samples::units(track, 0)) {
        muxer.write(unit, log, {});
    }
    muxer.unpublished(log, {});
    const std::vector<Message> messages = read_messages(samples::bytes_of(log));
    ASSERT_GE(messages.size(), 4U);
    ByteReader metadata{messages.front().body};
    EXPECT_EQ(messages.front().type, MessageType::data);
    EXPECT_EQ(*amf0::read(metadata)->text(), "@setDataFrame");
    EXPECT_EQ(*amf0::read(metadata)->text(), "onMetaData");
    for (std::size_t i = 0; i + 1 < messages.size(); ++i) {
        EXPECT_EQ(messages[i].stream_id, 7U);
    }
    const Result<Command> end = read_command(messages.back());
    ASSERT_TRUE(end);
    EXPECT_EQ(end->name, "deleteStream");
    EXPECT_EQ(*end->number(1), 7);
}

}   // namespace
}   // namespace millrace::rtmp
