#include "protocol/rtmp/chunk_reader.hpp"

#include "base/byte_reader.hpp"

#include <algorithm>
#include <utility>

namespace millrace::rtmp {

// A chunk (§5.3.1):
//
//    basic header       | fmt (2 bits) | id - (6): 2–63 |
//                       | fmt          | 0          | id - 64 (1) |                  64–319
//                       | fmt          | 1          | id - 64 (2, little-endian) |   64–65599
//    message header     fmt 0: | time (3)  | length (3) | type (1) | stream id (4, little-endian) |
//                       fmt 1: | delta (3) | length (3) | type (1) |
//                       fmt 2: | delta (3) |
//                       fmt 3: nothing: more of the message, or one more like the last
//    extended timestamp (4) if the three bytes of time or delta were all ones, also in the fmt 3 that follow
//    payload            min(chunk size, what the message lacks)

Result<std::optional<Message>> ChunkReader::next(ByteSpan& bytes) {
    while (true) {
        if (!current_) {
            if (!gather_header(bytes)) {
                return std::nullopt;
            }
            if (const auto begun = begin_chunk(); !begun) {
                return std::unexpected(begun.error());
            }
        }
        if (const auto taken = take_payload(bytes); !taken) {
            return std::unexpected(taken.error());
        }
        if (chunk_left_ != 0) {
            return std::nullopt;
        }
        auto message = finished_message();
        current_.reset();
        header_size_ = 0;
        if (message) {
            if (const auto obeyed = obey(*message); !obeyed) {
                return std::unexpected(obeyed.error());
            }
            return message;
        }
    }
}

bool ChunkReader::gather_header(ByteSpan& bytes) {
    for (std::size_t wanted = header_size_wanted(); header_size_ < wanted; wanted = header_size_wanted()) {
        const ByteSpan part = bytes.first(std::min(wanted - header_size_, bytes.size()));
        if (part.empty()) {
            return false;
        }
        std::ranges::copy(part, header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
        header_size_ += part.size();
        bytes = bytes.subspan(part.size());
    }
    return true;
}

/// How long the header is as far as its bytes so far tell.
std::size_t ChunkReader::header_size_wanted() {
    if (header_size_ == 0) {
        return 1;
    }
    const BasicHeader basic = basic_header();
    if (header_size_ < basic.size) {
        return basic.size;
    }
    constexpr std::array<std::size_t, 4> message_header_sizes{11, 7, 3, 0};
    const std::size_t size = basic.size + message_header_sizes[basic.format];
    if (header_size_ < size) {
        return size;
    }
    bool extended = false;
    if (basic.format == 3) {
        const ChunkStream* stream = find(basic.chunk_stream);
        extended = stream != nullptr && stream->extended;
    } else {
        ByteReader reader{ByteSpan{header_}.subspan(basic.size)};
        extended = reader.u24() == timestamp_extended;
    }
    return size + (extended ? 4 : 0);
}

ChunkReader::BasicHeader ChunkReader::basic_header() const {
    ByteReader reader{header_};
    const std::uint8_t first = reader.u8();
    BasicHeader basic{.format = static_cast<std::uint8_t>(first >> 6U), .chunk_stream = first & 0x3FU};
    if (basic.chunk_stream == 0) {
        basic.size = 2;
        basic.chunk_stream = 64U + reader.u8();
    } else if (basic.chunk_stream == 1) {
        basic.size = 3;
        basic.chunk_stream = 64U + reader.u8();
        basic.chunk_stream += reader.u8() * 256U;
    }
    return basic;
}

Result<> ChunkReader::begin_chunk() {
    const BasicHeader basic = basic_header();
    ChunkStream* stream = find(basic.chunk_stream);
    if (stream == nullptr) {
        // rtmpdump begins its pings with fmt 1: time from 0, stream id 0.
        if (basic.format >= 2) {
            return fail(Errc::malformed, "a chunk stream begins without a header");
        }
        stream = &add(basic.chunk_stream);
    }
    stream->used = ++chunks_;
    if (basic.format != 3 && stream->open) {
        return fail(Errc::malformed, "a message begins inside another of its chunk stream");
    }
    if (!stream->open) {
        if (const auto read = read_message_header(basic, *stream); !read) {
            return read;
        }
    }
    current_ = static_cast<std::size_t>(stream - streams_.data());
    chunk_left_ = std::min<std::size_t>(chunk_size_, stream->length - stream->body.size());
    return {};
}

Result<> ChunkReader::read_message_header(const BasicHeader& basic, ChunkStream& stream) {
    ByteReader reader{ByteSpan{header_}.first(header_size_)};
    reader.skip(basic.size);
    if (basic.format < 3) {
        stream.time_field = reader.u24();
        stream.extended = stream.time_field == timestamp_extended;
    }
    if (basic.format < 2) {
        stream.length = reader.u24();
        stream.type = MessageType{reader.u8()};
    }
    if (basic.format == 0) {
        stream.stream_id = reader.u32_little_endian();
    }
    if (stream.extended) {
        stream.time_field = reader.u32();
    }
    stream.timestamp = basic.format == 0 ? stream.time_field : stream.timestamp + stream.time_field;
    return open_message(stream);
}

Result<> ChunkReader::open_message(ChunkStream& stream) {
    if (stream.length > length_max(stream.type)) {
        return fail(Errc::exhausted, "a message is longer than its type may be");
    }
    if (partial_messages_ == partial_messages_max) {
        return fail(Errc::exhausted, "too many unfinished messages");
    }
    ++partial_messages_;
    stream.open = true;
    return {};
}

void ChunkReader::close_message(ChunkStream& stream) {
    partial_bytes_ -= stream.body.capacity();
    --partial_messages_;
    stream.open = false;
}

Result<> ChunkReader::take_payload(ByteSpan& bytes) {
    ChunkStream& stream = streams_[*current_];
    const ByteSpan part = bytes.first(std::min(chunk_left_, bytes.size()));
    if (const auto room = make_room(stream, part.size()); !room) {
        return room;
    }
    stream.body.insert(stream.body.end(), part.begin(), part.end());
    chunk_left_ -= part.size();
    bytes = bytes.subspan(part.size());
    return {};
}

Result<> ChunkReader::make_room(ChunkStream& stream, std::size_t arriving) {
    const std::size_t needed = stream.body.size() + arriving;
    const std::size_t before = stream.body.capacity();
    if (needed <= before) {
        return {};
    }
    const std::size_t wanted = std::min<std::size_t>(stream.length, std::max(needed, 2 * before));
    if (partial_bytes_ - before + wanted > partial_bytes_max) {
        return fail(Errc::exhausted, "unfinished messages take too much memory");
    }
    stream.body.reserve(wanted);
    partial_bytes_ += stream.body.capacity() - before;
    return {};
}

std::optional<Message> ChunkReader::finished_message() {
    ChunkStream& stream = streams_[*current_];
    if (stream.body.size() < stream.length) {
        return std::nullopt;
    }
    close_message(stream);
    return Message{stream.type, stream.stream_id, stream.timestamp, std::exchange(stream.body, {})};
}

Result<> ChunkReader::obey(const Message& message) {
    if (message.type != MessageType::set_chunk_size && message.type != MessageType::abort) {
        return {};
    }
    ByteReader reader{message.body};
    const std::uint32_t value = reader.u32();
    if (!reader.ok()) {
        return fail(Errc::malformed, "a protocol control message is too short");
    }
    if (message.type == MessageType::abort) {
        ChunkStream* stream = find(value);
        if (stream != nullptr && stream->open) {
            close_message(*stream);
            stream->body = std::vector<std::byte>{};
        }
        return {};
    }
    if (value == 0 || value > 0x7FFF'FFFFU) {   // §5.4.1: the first bit must be zero, and the size at least 1
        return fail(Errc::malformed, "a chunk size of zero or with the first bit set");
    }
    chunk_size_ = std::min(value, chunk_size_max);
    return {};
}

ChunkReader::ChunkStream* ChunkReader::find(std::uint32_t id) {
    const auto found = std::ranges::find(streams_, id, &ChunkStream::id);
    return found == streams_.end() ? nullptr : &*found;
}

ChunkReader::ChunkStream& ChunkReader::add(std::uint32_t id) {
    if (streams_.size() < chunk_streams_max) {
        return streams_.emplace_back(ChunkStream{.id = id});
    }
    // Fewer messages may be open than there are rows, so an idle one is always found.
    const auto age = [](const ChunkStream& stream) { return std::pair{stream.open, stream.used}; };
    ChunkStream& oldest = *std::ranges::min_element(streams_, {}, age);
    oldest = ChunkStream{.id = id};
    return oldest;
}

}   // namespace millrace::rtmp
