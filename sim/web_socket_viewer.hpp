#pragma once

#include "protocol/ws/client.hpp"
#include "sim/viewer.hpp"

namespace millrace::sim {

/// Plays /live/KEY.flv over a WebSocket, and sends pings while it does.
class WebSocketViewer final : public Viewer {
public:
    static constexpr Duration ping_interval = 100ms;

    WebSocketViewer(World& world, ViewerPlan plan);

    /// What the server's close said; `no_status` before.
    ws::CloseCode close_code() const { return close_code_; }
    std::size_t messages() const { return messages_; }

private:
    static Task<> run(WebSocketViewer& self);
    Task<Result<>> say(Connection& connection);
    Result<> receive(ByteSpan bytes);
    Result<> take_message(const ws::Message& message);

    ws::Client client_;
    flv::Splitter splitter_;
    Instant last_ping_;
    ws::CloseCode close_code_ = ws::CloseCode::no_status;
    std::size_t messages_ = 0;
};

inline WebSocketViewer& watch_web_socket(World& world, ViewerPlan plan) {
    return world.add<WebSocketViewer>(std::move(plan));
}

}   // namespace millrace::sim
