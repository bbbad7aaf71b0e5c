#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>
#include <vector>

namespace millrace::session {

/// `/NAME.flv`: an endless FLV answer. The conversation ends when the fan-out takes the viewer over.
/// `origins`: pages of which sites may read it, or "*" alone.
web::Route flv_play(Desk& desk, std::vector<std::string> origins);

}   // namespace millrace::session
