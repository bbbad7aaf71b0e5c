#pragma once

#include "base/connection.hpp"
#include "base/task.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

#include <memory>
#include <vector>

namespace millrace::session {

/// How long http_serve waits for a peer that does not take its answer, and how much it does at once.
struct HttpServeLimits {
    static constexpr Duration stall_timeout = 15s;   ///< without one byte taken
    /// An answer as a whole has stall_timeout plus its size at this rate, against readers of a byte a second.
    static constexpr std::size_t bytes_per_second_min = 8U << 10U;
    /// After a refusal: how long and how much is read and dropped, so that a close does not destroy the
    /// answer under way (RFC 9112 §9.6).
    static constexpr Duration linger = 1s;
    static constexpr std::size_t linger_size_max = 256U << 10U;
    /// Requests of one worker that wait for their answers, most of them for a list; beyond it: 503.
    static constexpr std::size_t requests_under_way_max = 4096;
};

/// One HTTP/1 connection from its first byte to its end: finds the route, writes the answer, or hands the
/// connection over to the route's takeover. `routes` outlives every connection. Requests reach routes with
/// the client's address, whatever proxies of ours stand between (`forwarded.hpp`).
/// What it answers itself: 404, 405 with Allow, OPTIONS (204 with Allow), every malformed request, a coded
/// body (415), too much at once (503), and the conditions and ranges of requests for what has a strong ETag.
Task<> http_serve(Desk& desk, std::unique_ptr<Connection> connection, const std::vector<web::Route>& routes);

}   // namespace millrace::session
