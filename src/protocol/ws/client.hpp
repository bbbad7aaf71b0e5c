#pragma once

#include "base/web.hpp"
#include "protocol/ws/conversation.hpp"

#include <string>

namespace millrace::ws {

/// The server agreed: messages follow.
struct Opened {};

/// A client's end of a WebSocket from its first byte: the opening handshake, then a Conversation. It offers
/// neither subprotocols nor extensions.
class Client {
public:
    using Event = std::variant<Opened, Message, Closed>;
    struct Options {
        std::string host;   ///< for Host
        std::string target = "/";
        std::string origin;   ///< empty: none is sent, as programs do
        std::vector<web::Header> headers{};
        /// Of what the server sends.
        std::size_t message_size_max = 16U << 20U;
    };
    static constexpr std::size_t answer_size_max = 16U << 10U;
    static constexpr Duration open_timeout = 10s;

    /// `random` outlives it.
    Client(const Options& options, Random& random, Instant now);

    /// Errc::refused when the server answers the handshake otherwise: status() says how.
    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return open_ ? conversation_.deadline() : deadline_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output();

    void send(Opcode kind, ByteSpan payload) { conversation_.send(kind, payload); }
    void close(CloseCode code, Instant now) { conversation_.close(code, now); }
    /// The status of the server's answer; 0 before.
    int status() const { return status_; }

private:
    Result<> read_answer(ByteSpan& bytes);

    Conversation conversation_;
    std::string accept_;   // what the server must answer
    std::string answer_;
    std::vector<std::byte> request_;
    Instant deadline_;
    int status_ = 0;
    bool open_ = false;
    bool told_ = false;
};

}   // namespace millrace::ws
