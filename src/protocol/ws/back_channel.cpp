#include "protocol/ws/back_channel.hpp"

namespace millrace::ws {

Result<> BackChannel::receive(ByteSpan bytes, Instant now) {
    for (;;) {
        const auto message = receiver_.next(bytes, now);
        if (!message) {
            append_close(output_, message.error().code);
            return fail(Errc::malformed, message.error().what);
        }
        if (!*message) {
            return {};
        }
        const ByteSpan payload = (*message)->payload;
        if ((*message)->kind == Opcode::ping) {
            append_frame(output_, {.opcode = Opcode::pong}, payload);
        } else if ((*message)->kind == Opcode::close) {
            append_close(output_, code_of(**message));
            return fail(Errc::closed, "the viewer closed the WebSocket");
        }
    }
}

}   // namespace millrace::ws
