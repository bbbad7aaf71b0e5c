#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>

namespace millrace::session {

/// HLS of every stream: `/NAME/index.m3u8` (multivariant), `/NAME/segments/v0.m3u8` (CMAF media lists),
/// `/NAME/ts.m3u8` (version 3 with MPEG-TS), the media under `/NAME/segments/`, and `/stream.m3u8`.
/// A list is held until its first segment is done, the first list for a second one if a stream has one
/// already. Texts are coded with gzip if the client asks. HEAD answers as GET.
/// `node_start` is this start of this node, in the names of what it makes alone.
web::Route hls_play(Desk& desk, std::string node_start);

}   // namespace millrace::session
