#pragma once

#include "session/http_pull.hpp"
#include "session/media_reader.hpp"

namespace millrace::session {

/// FLV, MPEG-TS or MP4 of an HTTP server as a publisher. An endless answer goes on as it comes, until it
/// breaks or brings no unit for `pull_patience`; one with a length is a file, and let out at its own pace.
Task<SourceEnding> stream_pull(HttpPull& pull, std::unique_ptr<MediaReader> reader);

}   // namespace millrace::session
