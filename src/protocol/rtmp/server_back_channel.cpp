#include "protocol/rtmp/server_back_channel.hpp"

#include <utility>

namespace millrace::rtmp {

PlayerBackChannel::PlayerBackChannel(Link link, bool ended, std::function<void(bool paused)> on_pause)
    : link_{std::move(link)}, ended_{ended}, on_pause_{std::move(on_pause)} {
    link_.shrink();
}

Result<> PlayerBackChannel::receive(ByteSpan bytes, Instant now) {
    while (!ended_ && !bytes.empty()) {
        const auto message = link_.next(bytes, now);
        if (!message) {
            return std::unexpected(message.error());
        }
        if (!*message ||
            ((*message)->type != MessageType::command && (*message)->type != MessageType::command_amf3)) {
            continue;
        }
        const auto command = read_command(**message);
        if (!command) {
            return std::unexpected(command.error());
        }
        if (const auto received = receive_command(*command, (*message)->stream_id); !received) {
            return received;
        }
    }
    if (ended_) {
        return fail(Errc::closed, "the player stopped");
    }
    return {};
}

Result<> PlayerBackChannel::receive_command(const Command& command, std::uint32_t stream_id) {
    const double* id = command.number(1);
    const bool deletes = command.name == "deleteStream" && id != nullptr && *id == the_stream_id;
    const bool closes = command.name == "closeStream" && (stream_id == 0 || stream_id == the_stream_id);
    if (deletes || closes) {
        ended_ = true;
    } else if (command.name == "pause" || command.name == "pauseRaw") {
        const bool* paused = command.boolean(1);
        if (paused == nullptr) {
            return {};
        }
        link_.send_status("status", *paused ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify",
                          *paused ? "Paused" : "Playing");
        if (on_pause_) {
            on_pause_(*paused);
        }
    } else if (command.name == "play" || command.name == "publish" || command.name == "createStream" ||
               command.name == "connect") {
        link_.send_error(command, "NetConnection.Call.Failed", "a connection publishes or plays once");
    } else if (!command.name.starts_with('_')) {
        link_.send_result(command, {amf0::Null{}, amf0::Undefined{}});
    }
    return {};
}

std::unique_ptr<BackChannel> into_back_channel(Server&& server, std::function<void(bool paused)> on_pause) {
    const bool ended = server.state_ != Server::State::playing;
    return std::make_unique<PlayerBackChannel>(std::move(server.link_), ended, std::move(on_pause));
}

}   // namespace millrace::rtmp
