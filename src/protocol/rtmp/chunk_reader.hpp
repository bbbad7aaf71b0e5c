#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "protocol/rtmp/message.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace millrace::rtmp {

/// Chunk streams whose last header is kept; the longest unused idle one is forgotten for a new one.
constexpr std::size_t chunk_streams_max = 256;
/// Messages that may be begun and not finished at one time.
constexpr std::size_t partial_messages_max = 64;
/// Memory of all unfinished messages of one connection. It grows with the bytes that came (at most doubling),
/// never by an announced length.
constexpr std::size_t partial_bytes_max = 16U << 20U;

/// Cuts a byte stream into chunks and puts messages together (§5.3). It obeys Set Chunk Size and Abort
/// itself, so that they act on the very next chunk, and gives them out like any other message.
class ChunkReader {
public:
    /// Takes bytes from the front of `bytes` up to the end of the next message, or all of them if none ends.
    /// After an error the byte stream cannot be followed any more.
    Result<std::optional<Message>> next(ByteSpan& bytes);

    std::uint32_t chunk_size() const { return chunk_size_; }
    std::size_t partial_bytes() const { return partial_bytes_; }
    std::size_t chunk_streams() const { return streams_.size(); }
    /// Heap memory it holds.
    std::size_t memory() const { return streams_.capacity() * sizeof(ChunkStream) + partial_bytes_; }
    /// Gives back what the table has to spare.
    void shrink() { streams_.shrink_to_fit(); }

private:
    struct ChunkStream {
        std::uint32_t id = 0;
        std::uint32_t stream_id = 0;
        std::uint32_t timestamp = 0;
        std::uint32_t time_field = 0;   // of the last full header: a time or a delta (§5.3.1.2.4)
        std::uint32_t length = 0;
        MessageType type = MessageType::command;
        bool extended = false;   // the last header had an extended timestamp: so have its fmt 3 chunks
        bool open = false;       // a message is begun and not finished
        std::uint64_t used = 0;
        std::vector<std::byte> body;
    };
    struct BasicHeader {
        std::uint8_t format = 0;
        std::uint32_t chunk_stream = 0;
        std::size_t size = 1;
    };
    static constexpr std::size_t header_size_max = 3 + 11 + 4;

    bool gather_header(ByteSpan& bytes);
    std::size_t header_size_wanted();
    BasicHeader basic_header() const;
    Result<> begin_chunk();
    Result<> read_message_header(const BasicHeader& basic, ChunkStream& stream);
    Result<> open_message(ChunkStream& stream);
    void close_message(ChunkStream& stream);
    Result<> take_payload(ByteSpan& bytes);
    Result<> make_room(ChunkStream& stream, std::size_t arriving);
    std::optional<Message> finished_message();
    Result<> obey(const Message& message);
    ChunkStream* find(std::uint32_t id);
    ChunkStream& add(std::uint32_t id);

    std::array<std::byte, header_size_max> header_{};
    std::size_t header_size_ = 0;
    std::optional<std::size_t> current_;   // whose payload is being read
    std::size_t chunk_left_ = 0;
    std::uint32_t chunk_size_ = chunk_size_initial;
    std::size_t partial_bytes_ = 0;
    std::size_t partial_messages_ = 0;
    std::uint64_t chunks_ = 0;
    std::vector<ChunkStream> streams_;
};

}   // namespace millrace::rtmp
