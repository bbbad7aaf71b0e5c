#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "protocol/rtmp/chunk_reader.hpp"
#include "protocol/rtmp/command.hpp"
#include "protocol/rtmp/message.hpp"
#include "protocol/rtmp/rate_limit.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::rtmp {

/// What we ask of a peer: an acknowledgement each so many bytes. We never wait for one.
constexpr std::uint32_t window_size = 2'500'000;
/// A peer that wants acknowledgements more often gets them this often.
constexpr std::uint32_t window_size_min = 1'024;

/// Event types of user control messages (§7.1.7).
enum class UserControl : std::uint16_t {
    stream_begin = 0,
    stream_end = 1,
    set_buffer_length = 3,
    ping_request = 6,
    ping_response = 7,
};

/// Messages over chunks, in both directions, after the handshake: it answers pings, acknowledges, counts and
/// bounds what comes, and gives out only what its owner must see. Both ends and the back channel stand on it.
class Link {
public:
    struct Counters {
        std::uint64_t bytes_in = 0;       ///< chunks only, without the handshake
        std::uint32_t acknowledged = 0;   ///< bytes the peer says it has, modulo 2^32
    };

    /// The next message that is not control, from the front of `bytes`; nothing when they are used up.
    Result<std::optional<Message>> next(ByteSpan& bytes, Instant now);

    void send(const OutgoingMessage& message);
    /// On the message stream given: 0 is the connection itself.
    void send(std::uint32_t stream_id, const Command& command);
    void send_status(std::string_view level, std::string_view code, std::string_view description);
    void send_data(const std::vector<amf0::Value>& values);
    /// `_result` with its values; nothing if no answer is wanted.
    void send_result(const Command& to, std::vector<amf0::Value> values);
    void send_error(const Command& to, std::string_view code, std::string_view description);
    void send_set_chunk_size(std::uint32_t chunk_size);
    void send_window_acknowledgement_size(std::uint32_t bytes);
    void send_set_peer_bandwidth(std::uint32_t bytes);
    void send_user_control(UserControl event, std::uint32_t value);

    /// Where everything to be sent is appended, the handshake too.
    std::vector<std::byte>& output() { return output_; }
    std::vector<std::byte> take_output();
    const Counters& counters() const { return counters_; }
    /// Gives back what memory is to spare, for a long quiet life.
    void shrink() { reader_.shrink(); }
    std::size_t memory() const { return reader_.memory() + output_.capacity(); }

private:
    Result<> receive_control(const Message& message);
    Result<> receive_user_control(const Message& message);
    void send_control(MessageType type, ByteSpan body);
    void acknowledge();

    ChunkReader reader_;
    RateLimit rate_;
    std::uint32_t chunk_size_ = chunk_size_initial;   // of what we send
    std::uint32_t peer_window_ = window_size;         // the peer wants an acknowledgement each so many bytes
    std::uint32_t our_window_ = 0;                    // as last told
    std::uint64_t acknowledged_at_ = 0;
    Counters counters_;
    std::vector<std::byte> output_;
};

}   // namespace millrace::rtmp
