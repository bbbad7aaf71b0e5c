#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

namespace millrace::session {

/// What a page has until it has said what it wants.
struct WfsPlayLimits {
    static constexpr Duration first_message_timeout = 10s;
    static constexpr std::size_t message_size_max = 1024;
    static constexpr Duration join_deadline = 10s;
};

/// `/play2`, the address that pages with wfs.js dial: a WebSocket whose first message names a channel,
/// `{"t":"open","c":"ch1","v":"NA"}`. `http.wfs` says which stream that is, else it is `http.default_stream`.
/// Then H.264 comes as a byte stream, or with the sub-protocol `binary` each access unit behind its size.
web::Route wfs_play(Desk& desk);

}   // namespace millrace::session
