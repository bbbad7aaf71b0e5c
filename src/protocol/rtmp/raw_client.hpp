#pragma once

#include "base/byte_writer.hpp"
#include "protocol/rtmp/chunk_reader.hpp"
#include "protocol/rtmp/chunk_writer.hpp"
#include "protocol/rtmp/command.hpp"
#include "protocol/rtmp/server.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::rtmp {

/// For tests and fuzz targets: a client that says whatever it is told to a Server of its own, well-behaved or
/// not, and hears what the server answers.
struct RawClient {
    Instant now = Instant::from_nanoseconds(1'000'000'000);
    SeededRandom random{7};
    Server server{random, now};
    Result<> last;        ///< of the latest receive
    ChunkReader reader;   ///< of what the server says
    std::vector<Message> heard;
    std::vector<Server::Event> events;

    void give(ByteSpan bytes, std::size_t piece = SIZE_MAX) {
        while (last && !bytes.empty()) {
            const ByteSpan part = bytes.first(std::min(piece, bytes.size()));
            bytes = bytes.subspan(part.size());
            last = server.receive(part, now);
        }
    }
    void shake_hands() {
        std::vector<std::byte> hello{std::byte{version_plain}};
        hello.resize(1 + 2 * handshake_packet_size);
        give(hello);
        server.next_output();
    }
    void say(const OutgoingMessage& message) {
        std::vector<std::byte> bytes;
        ChunkWriter{bytes}.write(message);
        give(bytes);
    }
    void say(const Command& command, std::uint32_t stream_id = 0) {
        const auto body = encode(command);
        say({.stream_id = stream_id, .body = body});
    }
    void say_control(MessageType type, std::uint32_t value) {
        std::vector<std::byte> body;
        ByteWriter{body}.u32(value);
        say({.chunk_stream = control_chunk_stream, .type = type, .body = body});
    }
    void say_media(MessageType type, std::uint32_t time, std::string_view body) {
        say({.chunk_stream = 6, .type = type, .stream_id = 1, .timestamp_ms = time, .body = as_bytes(body)});
    }
    void connect(amf0::Members object = {{"app", "live"}, {"tcUrl", "rtmp://host/live"}}) {
        say(Command{"connect", 1, {amf0::object(std::move(object))}});
    }
    void create_stream() { say(Command{"createStream", 2, {amf0::Null{}}}); }
    void publish(amf0::Value key = "cam") {
        say(Command{"publish", 3, {amf0::Null{}, std::move(key), "live"}}, the_stream_id);
    }
    void play(amf0::Value key = "cam") {
        say(Command{"play", 3, {amf0::Null{}, std::move(key)}}, the_stream_id);
    }
    void reach_stream() {
        shake_hands();
        connect();
        create_stream();
    }
    void reach_publishing() {
        reach_stream();
        publish();
        server.accept_publish();
        listen();
    }
    void reach_playing() {
        reach_stream();
        play();
        server.accept_play();
        listen();
    }

    /// Takes events and output since the last time.
    void listen() {
        while (auto event = server.next_event()) {
            events.push_back(*std::move(event));
        }
        hear(server.next_output());
    }
    void hear(const std::vector<std::byte>& output) {
        ByteSpan bytes{output};
        while (!bytes.empty()) {
            auto message = reader.next(bytes);
            if (message && *message) {
                heard.push_back(**std::move(message));
            }
        }
    }
    /// The commands heard of that name.
    std::vector<Command> commands(std::string_view name) {
        listen();
        std::vector<Command> found;
        for (const Message& message : heard) {
            if (message.type == MessageType::command) {
                auto command = read_command(message);
                if (command && command->name == name) {
                    found.push_back(*std::move(command));
                }
            }
        }
        return found;
    }
    /// The code of each status object heard in commands of that name.
    std::vector<std::string> codes(std::string_view name = "onStatus") {
        std::vector<std::string> found;
        for (const Command& command : commands(name)) {
            for (const amf0::Value& argument : command.arguments) {
                if (const std::string* code = argument.find_text("code")) {
                    found.push_back(*code);
                }
            }
        }
        return found;
    }
    std::size_t count(MessageType type) {
        listen();
        return static_cast<std::size_t>(std::ranges::count(heard, type, &Message::type));
    }
    template <class Kind>
    std::vector<Kind> events_of() {
        listen();
        std::vector<Kind> found;
        for (const auto& event : events) {
            if (const auto* kind = std::get_if<Kind>(&event)) {
                found.push_back(*kind);
            }
        }
        return found;
    }
};

}   // namespace millrace::rtmp
