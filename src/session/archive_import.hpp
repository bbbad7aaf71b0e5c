#pragma once

#include "archive/keeper.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

namespace millrace::session {

/// How many imports a worker has under way; each holds a few fragments in memory.
inline constexpr std::size_t imports_max = 2;

/// PUT of a fragmented MP4 to `/api/v1/recordings/NAME?from=` puts it into the archive of the stream, as of
/// the time that its prft boxes say, or from `from` on. It is read as it comes; what lies in a time of which
/// something is recorded is left out, so that the same again changes nothing. Answers 201 with what was kept;
/// 413 over `Settings::import_bytes_max`. Who asks needs the grant `admin`. `keeper` outlives it.
web::Route archive_import(Desk& desk, archive::Keeper& keeper);

}   // namespace millrace::session
