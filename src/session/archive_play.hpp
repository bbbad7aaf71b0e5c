#pragma once

#include "archive/keeper.hpp"
#include "base/web.hpp"
#include "session/archive_export_plans.hpp"
#include "session/desk.hpp"
#include "session/stills.hpp"

namespace millrace::session {

/// What answers are made of; all of it outlives the route.
struct ArchiveMeans {
    archive::Keeper& keeper;
    Stills& stills;
    ExportPlans& exports;   ///< of the desk's worker
};

/// Recordings of every stream: `/NAME/archive.m3u8?from=&to=` (HLS of what was recorded then; without `to`
/// one that grows while the stream is recorded), its media under `/NAME/archive/`, the same as one file at
/// `/NAME/archive.mp4` and `.ts`, the key picture of a moment at `/NAME/archive.jpg?at=&width=`, and what
/// there is with its gaps at `/api/v1/recordings/NAME?from=&to=`. Who asks needs the grant `archive`.
web::Route archive_play(Desk& desk, ArchiveMeans means);

}   // namespace millrace::session
