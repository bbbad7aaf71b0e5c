#include "sim/web_socket_viewer.hpp"

namespace millrace::sim {

WebSocketViewer::WebSocketViewer(World& world, ViewerPlan plan)
    : Viewer{world, std::move(plan)},
      client_{{.host = "host", .target = "/live/" + plan_.key + ".flv"}, world.chance(), world.now()} {
    world_.start(run(*this));
}

Task<> WebSocketViewer::run(WebSocketViewer& self) {
    co_await self.wait_as_planned();
    self.come();
    const auto connection = self.world_.connect_http(self.plan_.link);
    Result<> going = co_await self.say(*connection);
    while (going) {
        std::array<std::byte, 16U << 10U> buffer;
        const Result<std::size_t> count = co_await self.read(*connection, buffer);
        going = count ? self.receive(std::span{buffer}.first(*count)) : std::unexpected(count.error());
        if (going) {
            going = co_await self.say(*connection);
        }
    }
    self.finish(going.error());
}

Task<Result<>> WebSocketViewer::say(Connection& connection) {
    if (playing() && world_.now() >= last_ping_ + ping_interval) {
        last_ping_ = world_.now();
        client_.send(ws::Opcode::ping, as_bytes("are you there"));
    }
    const std::vector<std::byte> output = client_.next_output();
    co_return co_await write(connection, output);
}

Result<> WebSocketViewer::receive(ByteSpan bytes) {
    const Result<> heard = client_.receive(bytes, world_.now());
    status_ = client_.status();
    if (status_ != 0 && status_ != 101) {
        state_ = State::refused;
    }
    while (auto event = client_.next_event()) {
        if (std::holds_alternative<ws::Opened>(*event)) {
            state_ = State::playing;
        } else if (const auto* closed = std::get_if<ws::Closed>(&*event)) {
            close_code_ = closed->code;
        } else if (auto taken = take_message(std::get<ws::Message>(*event)); !taken) {
            return taken;
        }
    }
    return heard;
}

/// Each message holds whole tags, but for the first, which is the file's header.
Result<> WebSocketViewer::take_message(const ws::Message& message) {
    if (message.kind != ws::Opcode::binary) {
        return fail(Errc::malformed, "text came with FLV");
    }
    ++messages_;
    ByteSpan rest = message.payload;
    while (!rest.empty()) {
        const Result<std::optional<flv::Tag>> tag = splitter_.next(rest);
        if (!tag) {
            return std::unexpected(tag.error());
        }
        if (*tag) {
            take(**tag);
        }
    }
    return {};
}

}   // namespace millrace::sim
