#pragma once

#include "base/connector.hpp"
#include "base/task.hpp"
#include "protocol/rtsp/tunnel_client.hpp"
#include "session/desk.hpp"

#include <functional>
#include <memory>

namespace millrace::session {

/// What a tunnel of RTSP is dug with.
struct TunnelDig {
    Desk& desk;
    Connector& connector;
    Dial dial;   ///< for both connections, within its deadline
    /// Told of the connection that is waited on, for who may have to break it off; null: of none any more.
    std::function<void(Connection*)> hold;
};

/// Both connections of RTSP over HTTP as one: it reads what the answer to the GET brings and writes, in
/// base64, into the body of the POST. A server that answers the POST by anything but success, or closes it,
/// ends it. Errors are those of TunnelClient, of connecting, and Errc::closed, timed_out.
Task<Result<std::unique_ptr<Connection>>> dig_tunnel(TunnelDig dig, rtsp::TunnelClient& tunnel);

}   // namespace millrace::session
