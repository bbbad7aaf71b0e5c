#pragma once

#include "session/http_pull.hpp"

namespace millrace::session {

/// JPEG pictures of an HTTP server as a publisher: `multipart/x-mixed-replace` as it comes, a single
/// `image/jpeg` asked for again and again (once a second, or as often as `#fps=N` behind the URL says). From
/// its first answer until that breaks, no whole picture came for `pull_patience`, or the leash is pulled.
Task<SourceEnding> mjpeg_pull(HttpPull& pull);

}   // namespace millrace::session
