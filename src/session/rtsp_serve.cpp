#include "session/rtsp_serve.hpp"

#include "session/rtsp_talk.hpp"
#include "session/rtsp_tunnel.hpp"

namespace millrace::session {

namespace {

Task<> serve_tunnel(Desk& desk, std::unique_ptr<Connection> connection, Result<TunnelHead> head,
                    std::vector<std::byte> behind) {
    const Endpoint peer = connection->peer();
    const Result<> begun = co_await join_tunnel(desk, connection, std::move(head), std::move(behind));
    if (!begun) {
        tell_left(desk, peer, begun.error());
    } else if (connection != nullptr) {
        RtspTalk talk{desk, std::move(connection)};
        co_await talk.run({});
    }
}

}   // namespace

web::Response rtsp_tunnel_answer(Desk& desk, const web::Request& request) {
    web::Response response;
    response.takeover = [&desk, head = tunnel_head_of(request)](std::unique_ptr<Connection> connection,
                                                                std::vector<std::byte> behind) {
        return serve_tunnel(desk, std::move(connection), head, std::move(behind));
    };
    return response;
}

Task<> rtsp_serve(Desk& desk, std::unique_ptr<Connection> connection) {
    const Endpoint peer = connection->peer();
    Result<RtspOpening> opening = co_await read_opening(desk, *connection);
    Result<> begun = opening ? Result<>{} : std::unexpected(opening.error());
    if (opening && opening->http) {
        begun = co_await join_tunnel(desk, connection, std::exchange(*opening, {}));
    }
    if (!begun) {
        tell_left(desk, peer, begun.error());
    } else if (connection != nullptr) {
        RtspTalk talk{desk, std::move(connection)};
        co_await talk.run(std::move(opening->bytes));
    }
}

}   // namespace millrace::session
