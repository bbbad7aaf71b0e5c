#include "sim/rtmp_viewer.hpp"

#include "net/drive.hpp"
#include "sim/rtmp_turn.hpp"

namespace millrace::sim {

RtmpViewer::RtmpViewer(World& world, ViewerPlan plan) : Viewer{world, std::move(plan)} {
    world_.start(run(*this));
}

Task<> RtmpViewer::run(RtmpViewer& self) {
    World& world = self.world_;
    co_await self.wait_as_planned();
    self.come();
    const auto connection = world.connect_rtmp(self.plan_.link);
    rtmp::Client client{world.chance(),
                        rtmp_options(rtmp::Client::Role::play, self.plan_.key, world.chance()), world.now()};
    const Result<> played = co_await self.play(*connection, client);
    self.finish(played.error());
}

Task<Result<>> RtmpViewer::play(Connection& connection, rtmp::Client& client) {
    while (state_ == State::joining) {
        const Result<> turn = co_await rtmp_turn({world_, connection, client, who_}, leave_at_);
        const Result<> taken = take_events(client);
        if (!turn || !taken) {
            co_return turn ? taken : turn;
        }
        if (time_to_leave()) {
            co_return fail(Errc::cancelled, "the viewer leaves");
        }
    }
    for (;;) {
        // A server that hangs up no longer listens, but what it said last is still to be read.
        [[maybe_unused]] const Result<> flushed = co_await net::flush(connection, client, world_.clients());
        std::array<std::byte, 16U << 10U> buffer;
        const Result<std::size_t> count = co_await read(connection, buffer);
        if (!count) {
            co_return std::unexpected(count.error());
        }
        const Result<> received = client.receive(std::span{buffer}.first(*count), world_.now());
        const Result<> taken = take_events(client);
        if (!received || !taken) {
            co_return received ? taken : received;
        }
    }
}

Result<> RtmpViewer::take_events(rtmp::Client& client) {
    while (auto event = client.next_event()) {
        if (auto* media = std::get_if<rtmp::Media>(&*event)) {
            take(rtmp::tag_of(std::move(*media)));
        } else if (std::holds_alternative<rtmp::Client::PlayStarted>(*event)) {
            state_ = State::playing;
        } else if (std::holds_alternative<rtmp::Client::Refused>(*event)) {
            state_ = State::refused;
            return fail(Errc::refused, "the server refused the viewer");
        } else if (std::holds_alternative<rtmp::Client::Ended>(*event)) {
            told_end_ = true;
        }
    }
    return {};
}

}   // namespace millrace::sim
