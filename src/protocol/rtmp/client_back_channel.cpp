#include "protocol/rtmp/client_back_channel.hpp"

#include <utility>

namespace millrace::rtmp {

namespace {

/// What a status says of the publication; nothing where it may go on.
Result<> judge(const amf0::Value& status) {
    const std::string* const level = status.find_text("level");
    const std::string* const code = status.find_text("code");
    if (code != nullptr && is_end(*code)) {
        return fail(Errc::closed, "the server ended the publication");
    }
    if (level != nullptr && *level == "error") {
        return fail(Errc::refused, "the server takes no more of this publication");
    }
    return {};
}

Result<> read_status(const Message& message) {
    const auto command = read_command(message);
    if (!command) {
        return std::unexpected(command.error());
    }
    if (command->name != "onStatus") {
        return {};
    }
    for (const amf0::Value& argument : command->arguments) {
        if (const auto judged = argument.members() != nullptr ? judge(argument) : Result<>{}; !judged) {
            return judged;
        }
    }
    return {};
}

}   // namespace

PublisherBackChannel::PublisherBackChannel(Link link) : link_{std::move(link)} {
    link_.shrink();
}

Result<> PublisherBackChannel::receive(ByteSpan bytes, Instant now) {
    while (!bytes.empty()) {
        const auto message = link_.next(bytes, now);
        if (!message) {
            return std::unexpected(message.error());
        }
        if (!*message ||
            ((*message)->type != MessageType::command && (*message)->type != MessageType::command_amf3)) {
            continue;
        }
        if (const auto read = read_status(**message); !read) {
            return read;
        }
    }
    return {};
}

std::unique_ptr<BackChannel> into_back_channel(Client&& client) {
    return std::make_unique<PublisherBackChannel>(std::move(client.link_));
}

}   // namespace millrace::rtmp
