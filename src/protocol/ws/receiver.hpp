#pragma once

#include "base/rate_limit.hpp"
#include "base/time.hpp"
#include "protocol/ws/frame.hpp"
#include "protocol/ws/utf8_check.hpp"

namespace millrace::ws {

/// Which end of the WebSocket we are: a server hears masked frames only, a client unmasked ones only.
enum class Role : std::uint8_t { server, client };

/// What came: a whole text or binary message, a ping, a pong or a close.
struct Message {
    Opcode kind = Opcode::text;
    std::vector<std::byte> payload;
};

/// The receiving side of an open WebSocket: frames become messages, fragments and masks are gone, text is
/// UTF-8. After a fault it is finished.
class Receiver {
public:
    struct Limits {
        std::size_t message_size_max = 64U << 10U;
        /// Messages of text and bytes come out empty: nobody wants them, but they must be sound.
        bool drops_messages = false;
    };
    /// Frames a client may send us; a server sends as many as it likes.
    static constexpr int frames_per_second_max = 200;
    static constexpr int frames_burst_max = 400;

    Receiver(Role role, Limits limits) : role_{role}, limits_{limits} {}

    /// The next message, or nothing when all bytes are taken. Control frames come between the fragments of
    /// a message. Of a close frame the payload is checked (RFC 6455 §7.4).
    Heard<std::optional<Message>> next(ByteSpan& bytes, Instant now);

private:
    Heard<> begin(const FrameHead& head, Instant now);
    Heard<> take(ByteSpan part);
    Heard<std::optional<Message>> finish_frame();

    Role role_;
    Limits limits_;
    RateLimit<frames_per_second_max, frames_burst_max> rate_;
    HeadReader heads_;
    std::optional<FrameHead> frame_;   // whose payload is under way
    std::uint64_t taken_ = 0;          // of it
    std::vector<std::byte> control_;   // payload of a control frame
    std::optional<Opcode> kind_;       // of the message under way
    std::vector<std::byte> message_;
    std::uint64_t message_size_ = 0;   // announced by its frames so far
    Utf8Check text_;
};

/// The code of a checked close frame's payload.
CloseCode code_of(const Message& close);

}   // namespace millrace::ws
