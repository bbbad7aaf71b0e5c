#include "protocol/rtmp/client.hpp"

#include "base/byte_reader.hpp"

#include <utility>

namespace millrace::rtmp {

namespace {

/// Notices in data messages that are no part of the stream.
bool is_notice(const Media& media) {
    ByteReader reader{media.body};
    const auto name = media.type == MediaType::data ? amf0::read(reader) : Result<amf0::Value>{};
    const std::string* text = name ? name->text() : nullptr;
    return text != nullptr && (*text == "|RtmpSampleAccess" || *text == "onStatus");
}

}   // namespace

Result<> Client::receive(ByteSpan bytes, Instant now) {
    const auto received = receive_bytes(bytes, now);
    if (!received) {
        state_ = State::over;
        deadline_ = Instant::never();
    }
    return received;
}

Result<> Client::receive_bytes(ByteSpan bytes, Instant now) {
    if (handshake_) {
        if (const auto received = handshake_->receive(bytes, link_.output()); !received) {
            return received;
        }
        if (!handshake_->done()) {
            return {};
        }
        agreed_ = handshake_->agreed();
        handshake_.reset();
        send_connect();
    }
    while (!bytes.empty()) {
        auto message = link_.next(bytes, now);
        if (!message) {
            return std::unexpected(message.error());
        }
        if (*message) {
            if (const auto received = receive_message(**std::move(message)); !received) {
                return received;
            }
        }
    }
    return {};
}

Result<> Client::receive_message(Message message) {
    switch (message.type) {
        case MessageType::command:
        case MessageType::command_amf3: {
            const auto command = read_command(message);
            if (!command) {
                return std::unexpected(command.error());
            }
            return receive_command(*command);
        }
        case MessageType::aggregate: {
            auto parts = media_in_aggregate(message);
            if (!parts) {
                return std::unexpected(parts.error());
            }
            for (Media& part : *parts) {
                events_.emplace_back(std::move(part));
            }
            return {};
        }
        default:
            if (auto media = media_in(std::move(message)); media && !is_notice(*media)) {
                events_.emplace_back(*std::move(media));
            }
            return {};
    }
}

Result<> Client::receive_command(const Command& command) {
    if (command.name == "_result") {
        on_result(command);
    } else if (command.name == "_error") {
        refused_with(command);
    } else if (command.name == "onStatus") {
        for (const amf0::Value& argument : command.arguments) {
            if (argument.members() != nullptr) {
                on_status(argument);
            }
        }
    }
    return {};
}

}   // namespace millrace::rtmp
