#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// JPEG pictures of an HTTP server as a publisher: `multipart/x-mixed-replace` as it comes, a single
/// `image/jpeg` asked for again and again (once a second, or as often as `#fps=N` behind the URL says). From
/// its connection until that breaks, no whole picture came for `mjpeg_patience`, or the leash is pulled.
Task<SourceEnding> mjpeg_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                              SourceLeash& leash);

constexpr Duration mjpeg_patience = 10s;
/// For name, connection and handshake.
constexpr Duration pull_connect_deadline = 10s;
constexpr int pull_redirects_max = 3;

}   // namespace millrace::session
