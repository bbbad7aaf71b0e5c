#pragma once

#include "base/connection.hpp"
#include "base/result.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

#include <string_view>

namespace millrace::session {

/// Counts that somebody was turned away, and tells of it where it was for who they are or for want of room:
/// players ask for what is not there all the time. `protocol` is a literal.
void note_refusal(Desk& desk, std::string_view protocol, const Endpoint& peer, const Error& why);

/// The same, and the answer that says why not to the asking page; no cache keeps it, for what is not there
/// now may be there soon.
web::Response refuse_media(Desk& desk, std::string_view protocol, const web::Request& request,
                           const Error& why);

}   // namespace millrace::session
