#pragma once

#include "base/connection.hpp"
#include "base/result.hpp"
#include "session/desk.hpp"

#include <string_view>

namespace millrace::session {

/// Counts that somebody was turned away, and tells of it where it was for who they are or for want of room:
/// players ask for what is not there all the time. `protocol` is a literal.
void note_refusal(Desk& desk, std::string_view protocol, const Endpoint& peer, const Error& why);

}   // namespace millrace::session
