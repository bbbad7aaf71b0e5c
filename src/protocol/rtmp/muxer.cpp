#include "protocol/rtmp/muxer.hpp"

#include "base/byte_writer.hpp"
#include "protocol/rtmp/command.hpp"

#include <algorithm>
#include <array>

namespace millrace::rtmp {

// A message as we send it (RTMP specification 1.0, section 5.3.1), always with a full header:
//
//   +-------+----+--------------+--------+------+------------------+------------+----------------------+
//   | fmt:2 | csid:6 | timestamp ms | length | type | stream id        | [timestamp | the body's first     |
//   |   0   |        | u24          | u24    | u8   | u32 little-endian|  u32]      | 32,000 bytes         |
//   +-------+--------+--------------+--------+------+------------------+------------+----------------------+
//   and for each further 32,000 bytes or less of the body:
//   +-------+--------+------------+-----------------------------------------------------------------------+
//   | fmt:2 | csid:6 | [timestamp | body                                                                   |
//   |   3   |        |  u32]      |                                                                        |
//   +-------+--------+------------+-----------------------------------------------------------------------+
//
// The timestamps in brackets are there when the first one says FFFFFF, which it does from 4 h 39 min on.

namespace {

constexpr std::size_t body_size_max = 0xFFFFFF;   // what 24 bits can say
constexpr std::uint16_t stream_eof_event = 1;

struct Envelope {
    std::uint32_t chunk_stream;   // below 64, so that a basic header is one byte
    MessageType type;
    std::uint32_t timestamp_ms;
    std::uint32_t message_stream;
};

/// The bytes before a chunk.
class ChunkHeader {
public:
    static ChunkHeader first(const Envelope& envelope, std::size_t body_size) {
        ChunkHeader header;
        header.put(envelope.chunk_stream, 1);
        header.put(std::min(envelope.timestamp_ms, timestamp_extended), 3);
        header.put(static_cast<std::uint32_t>(body_size), 3);
        header.put(static_cast<std::uint8_t>(envelope.type), 1);
        header.put(__builtin_bswap32(envelope.message_stream), 4);
        header.put_extended(envelope);
        return header;
    }
    static ChunkHeader continued(const Envelope& envelope) {
        ChunkHeader header;
        header.put(0xC0U | envelope.chunk_stream, 1);
        header.put_extended(envelope);
        return header;
    }
    ByteSpan span() const { return ByteSpan{bytes_}.first(size_); }

private:
    void put(std::uint32_t value, unsigned count) {
        for (unsigned shift = count * 8; shift != 0;) {
            shift -= 8;
            bytes_[size_++] = static_cast<std::byte>(value >> shift & 0xFFU);
        }
    }
    void put_extended(const Envelope& envelope) {
        if (envelope.timestamp_ms >= timestamp_extended) {
            put(envelope.timestamp_ms, 4);
        }
    }

    std::array<std::byte, 16> bytes_{};
    std::size_t size_ = 0;
};

/// Hands a message in its parts, in order, to `append`: chunk headers, and the body cut where they go.
template <class Append>
void lay_out(const Envelope& envelope, std::span<const ByteSpan> body, Append append) {
    std::size_t size = 0;
    for (const ByteSpan part : body) {
        size += part.size();
    }
    append(ChunkHeader::first(envelope, size).span());
    const ChunkHeader continued = ChunkHeader::continued(envelope);
    std::size_t room = chunk_size_to_players;
    for (ByteSpan part : body) {
        while (!part.empty()) {
            if (room == 0) {
                append(continued.span());
                room = chunk_size_to_players;
            }
            const ByteSpan piece = part.first(std::min(room, part.size()));
            append(piece);
            room -= piece.size();
            part = part.subspan(piece.size());
        }
    }
}

std::uint32_t chunk_stream_of(flv::TagType type) {
    switch (type) {
        case flv::TagType::audio: return audio_chunk_stream;
        case flv::TagType::video: return video_chunk_stream;
        case flv::TagType::script: break;
    }
    return data_chunk_stream;
}

template <class Append>
void lay_out(const flv::Message& message, std::uint32_t stream_id, ByteSpan before, Append append) {
    const Envelope envelope{.chunk_stream = chunk_stream_of(message.type),
                            .type = MessageType{static_cast<std::uint8_t>(message.type)},
                            .timestamp_ms = message.timestamp_ms,
                            .message_stream = stream_id};
    const std::array body{before, message.prefix, message.payload};
    lay_out(envelope, body, append);
}

void log_control(const Envelope& envelope, ByteSpan body, BlockLog& log, Instant now) {
    lay_out(envelope, std::span{&body, 1}, [&log](ByteSpan part) { log.append(part); });
    log.end_message(now);
}

void log_status(std::string_view code, std::string_view description, BlockLog& log, Instant now) {
    const std::vector<std::byte> body =
        encode({.name = "onStatus", .arguments = {amf0::Null{}, status("status", code, description)}});
    log_control({status_chunk_stream, MessageType::command, 0, the_stream_id}, body, log, now);
}

/// "@setDataFrame" as AMF0 text: what makes a server keep the metadata behind it for its players.
std::vector<std::byte> data_frame_words() {
    std::vector<std::byte> words;
    ByteWriter writer{words};
    amf0::write(writer, "@setDataFrame");
    return words;
}

}   // namespace

template <class Append>
void Muxer::lay_out_programme(const flv::Message& message, Append append) const {
    static const std::vector<std::byte> words = data_frame_words();
    const bool named = readers_.servers && message.type == flv::TagType::script;
    lay_out(message, readers_.stream_id, named ? ByteSpan{words} : ByteSpan{}, append);
}

void Muxer::log_media(const flv::Message& message, BlockLog& log, Instant now) const {
    lay_out(message, readers_.stream_id, {}, [&log](ByteSpan part) { log.append(part); });
    log.end_message(now);
}

void Muxer::log_end(BlockLog& log, Instant now) const {
    const std::vector<std::byte> body = encode(
        {.name = "deleteStream", .arguments = {amf0::Null{}, static_cast<double>(readers_.stream_id)}});
    log_control({command_chunk_stream, MessageType::command, 0, 0}, body, log, now);
}

bool Muxer::configure(std::span<const media::Track> tracks, BlockLog& log, Instant now) {
    programme_.configure(tracks);
    for (const flv::Message& message : programme_.news()) {
        lay_out_programme(message, [&log](ByteSpan part) { log.append(part); });
        log.end_message(now);
    }
    return true;
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    const flv::BodyPrefix prefix{unit};
    const auto type = unit.kind() == media::Kind::video ? flv::TagType::video : flv::TagType::audio;
    const flv::Message message{type, static_cast<std::uint32_t>(unit.dts_ms()), prefix.span(), unit.payload};
    if (!programme_.takes(unit) || message.body_size() > body_size_max) {
        return;
    }
    stamp(unit, log, now);
    programme_.advance(unit);
    log_media(message, log, now);
}

void Muxer::stamp(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    const std::vector<std::byte> body = programme_.time_due(unit);
    if (!body.empty()) {
        log_media({flv::TagType::script, flv::script_timestamp, body, {}}, log, now);
    }
}

void Muxer::unpublished(BlockLog& log, Instant now) {
    if (readers_.servers) {
        return log_end(log, now);
    }
    log_status("NetStream.Play.UnpublishNotify", "The publisher has ended.", log, now);
}

void Muxer::end(BlockLog& log, Instant now) {
    if (readers_.servers) {
        return log_end(log, now);
    }
    std::vector<std::byte> event;
    ByteWriter event_writer{event};
    event_writer.u16(stream_eof_event);
    event_writer.u32(the_stream_id);
    // User control belongs to message stream 0 (section 5.4 and 7.1.7).
    log_control({control_chunk_stream, MessageType::user_control, 0, 0}, event, log, now);
    log_status("NetStream.Play.Stop", "The stream has ended.", log, now);
}

Bytes Muxer::resume() const {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    for (const flv::Message& message : programme_.resume()) {
        lay_out_programme(message, [&writer](ByteSpan part) { writer.bytes(part); });
    }
    return Bytes{std::move(out)};
}

}   // namespace millrace::rtmp
