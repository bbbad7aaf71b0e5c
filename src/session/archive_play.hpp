#pragma once

#include "archive/keeper.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"
#include "session/stills.hpp"

namespace millrace::session {

/// Recordings of every stream: `/NAME/archive.m3u8?from=&to=` (HLS of what was recorded then; without `to`
/// one that grows while the stream is recorded), its media under `/NAME/archive/`, the same as one file at
/// `/NAME/archive.mp4` and `.ts`, the key picture of a moment at `/NAME/archive.jpg?at=&width=`, and what
/// there is with its gaps at `/api/v1/recordings/NAME?from=&to=`. Who asks needs the grant `archive`.
/// `keeper` and `stills` outlive it.
web::Route archive_play(Desk& desk, archive::Keeper& keeper, Stills& stills);

}   // namespace millrace::session
