#include "protocol/rtmp/link.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "protocol/rtmp/chunk_writer.hpp"

#include <algorithm>
#include <utility>

namespace millrace::rtmp {

namespace {

bool is_media(MessageType type) {
    return type == MessageType::audio || type == MessageType::video;
}

bool is_control(MessageType type) {
    return type >= MessageType::set_chunk_size && type <= MessageType::set_peer_bandwidth;
}

}   // namespace

Result<std::optional<Message>> Link::next(ByteSpan& bytes, Instant now) {
    while (true) {
        const std::size_t before = bytes.size();
        auto message = reader_.next(bytes);
        counters_.bytes_in += before - bytes.size();
        acknowledge();
        if (!message || !*message || is_media((*message)->type)) {
            return message;
        }
        if (!rate_.spend(now)) {
            return fail(Errc::exhausted, "too many control, command or data messages");
        }
        if (!is_control((*message)->type)) {
            return message;
        }
        if (const auto received = receive_control(**message); !received) {
            return std::unexpected(received.error());
        }
    }
}

void Link::acknowledge() {
    if (counters_.bytes_in - acknowledged_at_ < peer_window_) {
        return;
    }
    acknowledged_at_ = counters_.bytes_in;
    std::vector<std::byte> body;
    ByteWriter{body}.u32(static_cast<std::uint32_t>(counters_.bytes_in));   // §5.4.3, wraps
    send_control(MessageType::acknowledgement, body);
}

Result<> Link::receive_control(const Message& message) {
    if (message.type == MessageType::user_control) {
        return receive_user_control(message);
    }
    ByteReader reader{message.body};
    const std::uint32_t value = reader.u32();
    if (!reader.ok()) {
        return fail(Errc::malformed, "a protocol control message is too short");
    }
    switch (message.type) {
        case MessageType::acknowledgement: counters_.acknowledged = value; break;
        case MessageType::window_acknowledgement_size: peer_window_ = std::max(value, window_size_min); break;
        case MessageType::set_peer_bandwidth:
            // §5.4.5: answered with our window where it differs. We do not hold ourselves back by it.
            if (value != our_window_) {
                send_window_acknowledgement_size(value);
            }
            break;
        default: break;   // chunk size and abort: the reader obeyed
    }
    return {};
}

Result<> Link::receive_user_control(const Message& message) {
    ByteReader reader{message.body};
    const UserControl event{reader.u16()};
    if (event == UserControl::ping_request) {
        send_user_control(UserControl::ping_response, reader.u32());
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "a user control message is too short");
    }
    return {};
}

void Link::send(const OutgoingMessage& message) {
    ChunkWriter{output_, chunk_size_}.write(message);
}

void Link::send(std::uint32_t stream_id, const Command& command) {
    const auto body = encode(command);
    send({.chunk_stream = stream_id == 0 ? command_chunk_stream : status_chunk_stream,
          .type = MessageType::command,
          .stream_id = stream_id,
          .body = body});
}

void Link::send_status(std::string_view level, std::string_view code, std::string_view description) {
    send(the_stream_id, Command{"onStatus", 0, {amf0::Null{}, status(level, code, description)}});
}

void Link::send_data(const std::vector<amf0::Value>& values) {
    std::vector<std::byte> body;
    ByteWriter writer{body};
    for (const amf0::Value& value : values) {
        amf0::write(writer, value);
    }
    send({.chunk_stream = data_chunk_stream,
          .type = MessageType::data,
          .stream_id = the_stream_id,
          .body = body});
}

void Link::send_result(const Command& to, std::vector<amf0::Value> values) {
    if (to.transaction != 0) {
        send(0, Command{"_result", to.transaction, std::move(values)});
    }
}

void Link::send_error(const Command& to, std::string_view code, std::string_view description) {
    send(0, Command{"_error", to.transaction, {amf0::Null{}, status("error", code, description)}});
}

void Link::send_set_chunk_size(std::uint32_t chunk_size) {
    std::vector<std::byte> body;
    ByteWriter{body}.u32(chunk_size);
    send_control(MessageType::set_chunk_size, body);
    chunk_size_ = chunk_size;
}

void Link::send_window_acknowledgement_size(std::uint32_t bytes) {
    std::vector<std::byte> body;
    ByteWriter{body}.u32(bytes);
    send_control(MessageType::window_acknowledgement_size, body);
    our_window_ = bytes;
}

void Link::send_set_peer_bandwidth(std::uint32_t bytes) {
    constexpr std::uint8_t dynamic = 2;
    std::vector<std::byte> body;
    ByteWriter writer{body};
    writer.u32(bytes);
    writer.u8(dynamic);
    send_control(MessageType::set_peer_bandwidth, body);
}

void Link::send_user_control(UserControl event, std::uint32_t value) {
    std::vector<std::byte> body;
    ByteWriter writer{body};
    writer.u16(static_cast<std::uint16_t>(event));
    writer.u32(value);
    if (event == UserControl::set_buffer_length) {
        constexpr std::uint32_t buffer_ms = 3'000;
        writer.u32(buffer_ms);
    }
    send_control(MessageType::user_control, body);
}

void Link::send_control(MessageType type, ByteSpan body) {
    send({.chunk_stream = control_chunk_stream, .type = type, .body = body});
}

std::vector<std::byte> Link::take_output() {
    return std::exchange(output_, {});
}

}   // namespace millrace::rtmp
