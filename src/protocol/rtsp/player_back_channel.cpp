#include "protocol/rtsp/player_back_channel.hpp"

#include "protocol/rtp/rtcp.hpp"

#include <algorithm>

namespace millrace::rtsp {

namespace {

class PlayerBackChannel final : public BackChannel {
public:
    PlayerBackChannel(std::unique_ptr<Server> server, PlayerWishes wishes)
        : server_{std::move(server)}, wishes_{std::move(wishes)} {}

    Result<> receive(ByteSpan bytes, Instant now) override;
    std::vector<std::byte> next_output() override { return server_->next_output(); }
    bool paused() const override { return paused_; }

private:
    Result<> take(const Server::Event& event);

    std::unique_ptr<Server> server_;
    PlayerWishes wishes_;
    bool paused_ = false;
};

Result<> PlayerBackChannel::take(const Server::Event& event) {
    if (const auto* packet = std::get_if<Server::Packet>(&event)) {
        if (asks_for_key_frame(packet->payload) && wishes_.key_frame) {
            wishes_.key_frame();
        }
    } else if (std::holds_alternative<Server::Ended>(event)) {
        return fail(Errc::closed, "the player stopped");
    } else if (std::holds_alternative<Server::Paused>(event)) {
        paused_ = true;
    } else if (std::holds_alternative<Server::PlayStarted>(event)) {
        // It goes on where the stream is now.
        server_->start_play(wishes_.starts ? wishes_.starts() : std::vector<Server::TrackStart>{});
        paused_ = false;
    } else {
        server_->refuse({.status = method_not_valid, .reason = {}, .challenges = {}});
    }
    return {};
}

Result<> PlayerBackChannel::receive(ByteSpan bytes, Instant now) {
    const Result<> received = server_->receive(bytes, now);
    while (const std::optional<Server::Event> event = server_->next_event()) {
        if (const Result<> taken = take(*event); !taken) {
            return taken;
        }
    }
    return received;
}

}   // namespace

bool asks_for_key_frame(ByteSpan compound) {
    const Result<std::vector<rtp::ControlPacket>> packets = rtp::read_control(compound);
    return packets && std::ranges::any_of(*packets, [](const rtp::ControlPacket& one) {
               return std::holds_alternative<rtp::KeyFrameRequest>(one);
           });
}

std::unique_ptr<BackChannel> into_back_channel(std::unique_ptr<Server> server, PlayerWishes wishes) {
    return std::make_unique<PlayerBackChannel>(std::move(server), std::move(wishes));
}

}   // namespace millrace::rtsp
