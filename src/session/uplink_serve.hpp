#pragma once

#include "session/desk.hpp"
#include "session/link_connection.hpp"

#include <string>

namespace millrace::session {

/// What a link that brings an edge's archive has of its own, once it was let in.
struct UplinkGuest {
    std::unique_ptr<LinkConnection> connection;
    std::string stream;   ///< whose archive it goes to
    hub::Identity who{};
};

/// Takes an edge's archive into ours: fragments that are not here are asked for, proven by their hash, kept
/// as they came, and acknowledged once they are on the disk. Its welcome was said.
Task<> uplink_serve(Desk& desk, UplinkGuest guest);

}   // namespace millrace::session
