#include "protocol/rtmp/server.hpp"

#include <utility>

namespace millrace::rtmp {

Result<> Server::receive(ByteSpan bytes, Instant now) {
    if (state_ == State::closed) {
        return fail(Errc::closed, "the conversation is over");
    }
    now_ = now;
    auto received = receive_handshake(bytes);
    while (received && !handshake_ && !bytes.empty() && state_ != State::closed) {
        auto message = link_.next(bytes, now);
        if (!message) {
            received = std::unexpected(message.error());
        } else if (*message) {
            received = receive_message(**std::move(message));
        }
    }
    if (!received) {
        state_ = State::closed;
        deadline_ = Instant::never();
        return received;
    }
    if (state_ == State::publishing) {
        deadline_ = now + publisher_silence_max;
    } else if (state_ == State::playing) {
        deadline_ = now + player_ping_interval;
    }
    return received;
}

Result<> Server::receive_handshake(ByteSpan& bytes) {
    if (!handshake_) {
        return {};
    }
    const auto received = handshake_->receive(bytes, link_.output());
    if (received && handshake_->done()) {
        handshake_.reset();
    }
    return received;
}

Result<> Server::receive_message(Message message) {
    switch (message.type) {
        case MessageType::audio:
        case MessageType::video:
        case MessageType::data:
        case MessageType::data_amf3:
        case MessageType::aggregate: return receive_media(std::move(message));
        case MessageType::command:
        case MessageType::command_amf3: {
            const auto command = read_command(message);
            if (!command) {
                return std::unexpected(command.error());
            }
            return receive_command(*command, message);
        }
        default: return {};   // shared objects and types unknown
    }
}

Result<> Server::receive_media(Message message) {
    if (state_ != State::publishing) {
        ++counters_.media_dropped;
        return {};
    }
    if (message.type == MessageType::aggregate) {
        auto parts = media_in_aggregate(message);
        if (!parts) {
            return std::unexpected(parts.error());
        }
        for (Media& part : *parts) {
            events_.emplace_back(std::move(part));
        }
        return {};
    }
    if (auto media = media_in(std::move(message))) {
        events_.emplace_back(*std::move(media));
    }
    return {};
}

}   // namespace millrace::rtmp
