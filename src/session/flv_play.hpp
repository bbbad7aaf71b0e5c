#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

namespace millrace::session {

/// `/NAME.flv`: an endless FLV answer. The conversation ends when the fan-out takes the viewer over.
web::Route flv_play(Desk& desk);

}   // namespace millrace::session
