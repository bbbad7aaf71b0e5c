#pragma once

#include "protocol/machine.hpp"
#include "protocol/ws/receiver.hpp"

namespace millrace::ws {

/// What is left of a WebSocket whose client only listens, for the fan-out: answers pings and the close,
/// drops messages. After an error its last output is a close frame.
class BackChannel final : public millrace::BackChannel {
public:
    Result<> receive(ByteSpan bytes, Instant now) override;
    std::vector<std::byte> next_output() override { return std::exchange(output_, {}); }

private:
    Receiver receiver_{Role::server, {.drops_messages = true}};
    std::vector<std::byte> output_;
};

}   // namespace millrace::ws
