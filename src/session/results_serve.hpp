#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

namespace millrace::session {

/// `POST /api/v1/streams/NAME/results` (the grant `publish`): one JSON object, or several, one a line, as
/// application/x-ndjson. What an application says of the stream's pictures goes beside its frames. And
/// `POST /api/v1/streams/NAME/messages` (the same grant): one JSON object, which goes to the publisher.
web::Route results_serve(Desk& desk);

}   // namespace millrace::session
