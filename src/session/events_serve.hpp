#pragma once

#include "base/web.hpp"
#include "hub/events.hpp"
#include "session/desk.hpp"

namespace millrace::session {

/// What those who take events are held to.
struct EventsServeLimits {
    static constexpr Duration keep_alive = 15s;                  ///< something is sent so often
    static constexpr Duration stall_timeout = 15s;               ///< without a byte taken
    static constexpr std::size_t message_size_max = 4U << 10U;   ///< of what a WebSocket's client says
};

/// `/api/v1/events` (everything; the grant `admin`) and `/NAME/events` (one stream's states and verdicts; the
/// grant `play`): server-sent events, or a WebSocket of one text message an event. Both go on behind
/// `Last-Event-ID` or `?after=`. Who reads too slowly misses what is not kept any more, and is told how much.
/// `events` outlives every conversation.
web::Route events_serve(Desk& desk, hub::Events& events);

}   // namespace millrace::session
