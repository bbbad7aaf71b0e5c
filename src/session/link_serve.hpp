#pragma once

#include "base/task.hpp"
#include "session/desk.hpp"
#include "session/link_connection.hpp"

#include <memory>

namespace millrace::session {

/// A player of a link is behind by at most so much: what waits here longer is skipped up to the newest key
/// frame, and what left is on its way.
constexpr Duration link_lag_max = 1s;

/// One link to us, `kcp://`, from the moment that it is open: a publisher's until it ends, a player's until
/// the fan-out takes it over. Nobody is let in without proof: a user or token that is said inside, or the
/// user whose key it is.
Task<> link_serve(Desk& desk, std::unique_ptr<LinkConnection> connection);

}   // namespace millrace::session
