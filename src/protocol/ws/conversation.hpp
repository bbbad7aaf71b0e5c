#pragma once

#include "base/random.hpp"
#include "protocol/machine.hpp"
#include "protocol/ws/receiver.hpp"

#include <deque>
#include <variant>

namespace millrace::ws {

/// The peer ended the conversation; with its code, or `no_status`.
struct Closed {
    CloseCode code = CloseCode::no_status;
};

/// One end of an open WebSocket, after the opening handshake. Answers pings and the close itself; a fault of
/// the peer is told with its code and ends the conversation.
class Conversation {
public:
    using Event = std::variant<Message, Closed>;    ///< messages of text and bytes
    static constexpr Duration close_timeout = 2s;   ///< for the peer's answer to our close

    /// A server's end.
    explicit Conversation(Receiver::Limits limits) : receiver_{Role::server, limits} {}
    /// A client's end, which masks; `masks` outlives it.
    Conversation(Receiver::Limits limits, Random& masks) : receiver_{Role::client, limits}, masks_{&masks} {}

    /// Errc::closed after a close in good order.
    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return deadline_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output();

    /// A whole message of text (UTF-8) or bytes; dropped after close(). What was heard before the end may be
    /// answered until the next next_output().
    void send(Opcode kind, ByteSpan payload);
    /// What we have to say ends here; the peer's answer is waited for.
    void close(CloseCode code, Instant now);

private:
    enum class State : std::uint8_t { open, closing, finished };

    Result<> hear(Message message);
    void finish();
    void say(Opcode opcode, ByteSpan payload);
    std::optional<Mask> mask();

    Receiver receiver_;
    Random* masks_ = nullptr;
    State state_ = State::open;
    Instant deadline_ = Instant::never();
    std::deque<Event> events_;
    std::vector<std::byte> output_;
    std::vector<std::byte> last_words_;   // behind the output: the close that ends it
};

}   // namespace millrace::ws
