#pragma once

#include "base/connection.hpp"
#include "base/task.hpp"
#include "session/desk.hpp"

#include <memory>

namespace millrace::session {

/// One RTSP connection to us, from its first byte: a publisher's until it ends, a player's until PLAY, when
/// the fan-out takes it over.
Task<> rtsp_serve(Desk& desk, std::unique_ptr<Connection> connection);

}   // namespace millrace::session
