#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>
#include <vector>

namespace millrace::session {

/// What the HLS addresses need to know.
struct HlsSettings {
    std::vector<std::string> origins;   ///< pages of which sites may read answers, or "*" alone
    std::string node_start;             ///< this start of this node, in names of what it makes alone
    std::string default_stream;         ///< what `/stream.m3u8` shows; empty: nothing
};

/// HLS of every stream: `/NAME/index.m3u8` (multivariant), `/NAME/segments/v0.m3u8` (CMAF media lists),
/// `/NAME/ts.m3u8` (version 3 with MPEG-TS), the media under `/NAME/segments/`, and `/stream.m3u8`.
/// A list is held until its first segment is done. HEAD answers as GET.
web::Route hls_play(Desk& desk, HlsSettings settings);

}   // namespace millrace::session
