#pragma once

#include "archive/keeper.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

namespace millrace::session {

/// Ranges of a stream's recordings that retention leaves alone, at `/api/v1/pins/NAME`: GET lists them (who
/// has the grant `archive` for the stream), PUT and DELETE with `?from=&to=` add and take away one
/// (administrators). Done when a power cut could not undo it. `keeper` outlives it.
web::Route archive_pins(Desk& desk, archive::Keeper& keeper);

}   // namespace millrace::session
