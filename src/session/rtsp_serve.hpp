#pragma once

#include "base/connection.hpp"
#include "base/task.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

#include <memory>

namespace millrace::session {

/// One RTSP connection to us, from its first byte: a publisher's until it ends, a player's until PLAY, when
/// the fan-out takes it over.
Task<> rtsp_serve(Desk& desk, std::unique_ptr<Connection> connection);

/// The answer to a GET or POST of a tunnel that came to a port of HTTP: it takes the connection over.
web::Response rtsp_tunnel_answer(Desk& desk, const web::Request& request);

}   // namespace millrace::session
