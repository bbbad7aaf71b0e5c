#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

/// What both ends of a RTMP conversation share (Adobe's "RTMP specification 1.0"): message types, the chunk
/// streams we send on, and the limits of what we take.
namespace millrace::rtmp {

/// Message type ids (§5.4, §7.1); a byte from outside may be none of them.
enum class MessageType : std::uint8_t {
    set_chunk_size = 1,
    abort = 2,
    acknowledgement = 3,
    user_control = 4,
    window_acknowledgement_size = 5,
    set_peer_bandwidth = 6,
    audio = 8,
    video = 9,
    data_amf3 = 15,
    command_amf3 = 17,
    data = 18,
    command = 20,
    aggregate = 22,
};

/// One reassembled message. Its time is that of the sender's clock, modulo 2^32 ms.
struct Message {
    MessageType type = MessageType::command;   ///< any byte; unknown ones are to be ignored
    std::uint32_t stream_id = 0;
    std::uint32_t timestamp_ms = 0;
    std::vector<std::byte> body;
};

/// A message to be written; it borrows its body.
struct OutgoingMessage {
    std::uint32_t chunk_stream = 3;
    MessageType type = MessageType::command;
    std::uint32_t stream_id = 0;
    std::uint32_t timestamp_ms = 0;
    ByteSpan body;
};

constexpr std::uint32_t chunk_stream_min = 2;
constexpr std::uint32_t chunk_stream_max = 65'599;

// Where we send what. A player's audio and video come from the shared log on 4 and 6 (rtmp::Muxer).
constexpr std::uint32_t control_chunk_stream = 2;
constexpr std::uint32_t command_chunk_stream = 3;
constexpr std::uint32_t audio_chunk_stream = 4;
constexpr std::uint32_t status_chunk_stream = 5;
constexpr std::uint32_t video_chunk_stream = 6;
constexpr std::uint32_t data_chunk_stream = 8;

/// The message stream of everything after createStream: one connection carries one.
constexpr std::uint32_t the_stream_id = 1;

constexpr std::uint32_t chunk_size_initial = 128;     // §5.4.1
constexpr std::uint32_t chunk_size_max = 0xFF'FFFF;   // a message is never longer
/// That of rtmp::Muxer. Not larger: Wireshark takes chunk sizes from 32,768 on for damage.
constexpr std::uint32_t chunk_size_to_players = 32'000;
constexpr std::uint32_t timestamp_extended = 0xFF'FFFF;   // §5.3.1.3: the time is in four more bytes

constexpr std::size_t video_length_max = 8U << 20U;
constexpr std::size_t audio_length_max = 256U << 10U;
constexpr std::size_t data_length_max = 256U << 10U;
constexpr std::size_t command_length_max = 64U << 10U;
constexpr std::size_t control_length_max = 64;

/// The longest message of a type that we take.
constexpr std::size_t length_max(MessageType type) {
    switch (type) {
        case MessageType::video:
        case MessageType::aggregate: return video_length_max;
        case MessageType::audio: return audio_length_max;
        case MessageType::data:
        case MessageType::data_amf3: return data_length_max;
        case MessageType::set_chunk_size:
        case MessageType::abort:
        case MessageType::acknowledgement:
        case MessageType::user_control:
        case MessageType::window_acknowledgement_size:
        case MessageType::set_peer_bandwidth: return control_length_max;
        default: return command_length_max;
    }
}

}   // namespace millrace::rtmp
