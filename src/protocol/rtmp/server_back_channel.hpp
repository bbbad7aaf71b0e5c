#pragma once

#include "protocol/machine.hpp"
#include "protocol/rtmp/link.hpp"
#include "protocol/rtmp/server.hpp"

#include <functional>
#include <memory>

namespace millrace::rtmp {

/// What is left of a Server once its player only listens: a few hundred bytes. It answers pings and calls,
/// acknowledges, and ends (Errc::closed) when the player says so.
class PlayerBackChannel final : public BackChannel {
public:
    /// `ended`: the player said its end before the log was joined.
    PlayerBackChannel(Link link, bool ended, std::function<void(bool paused)> on_pause);

    Result<> receive(ByteSpan bytes, Instant now) override;
    std::vector<std::byte> next_output() override { return link_.take_output(); }

    /// Bytes in all, itself and its heap.
    std::size_t memory() const { return sizeof(*this) + link_.memory(); }

private:
    Result<> receive_command(const Command& command, std::uint32_t stream_id);

    Link link_;
    bool ended_;
    std::function<void(bool paused)> on_pause_;
};

/// Of a Server that accepted play; take its last next_output() before or from the back channel after.
/// `on_pause` may be empty: a pause is then answered and otherwise ignored.
std::unique_ptr<BackChannel> into_back_channel(Server&& server, std::function<void(bool paused)> on_pause);

}   // namespace millrace::rtmp
