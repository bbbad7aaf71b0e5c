#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"
#include "session/stills.hpp"

namespace millrace::session {

/// `/NAME.jpg`: the newest picture of a stream. `?width=160..1920` makes it smaller, never larger; `?cached`
/// answers only what is at hand. It has a strong ETag, so that a page asks whether there is a newer one.
/// `stills` outlives it.
web::Route still_play(Desk& desk, Stills& stills);

}   // namespace millrace::session
