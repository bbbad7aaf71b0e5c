#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>
#include <vector>

namespace millrace::session {

/// `/NAME.flv`, `/NAME.ts`, `/NAME.mp4`, over HTTP as an endless answer or over a WebSocket, all tracks or
/// `?tracks=video|audio`. The conversation ends when the fan-out takes the viewer over. HEAD asks whether the
/// stream is there. `origins`: see media_answer.hpp.
web::Route media_play(Desk& desk, std::vector<std::string> origins);

}   // namespace millrace::session
