#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// A stream of an RTMP server as a publisher (`rtmp://`, `rtmps://`): played there under the URL's path, with
/// its query. The URL's user and password go as `user` and `pass` in the query, `:token@` as `token`. From
/// its connection until that breaks, the server says the stream's end, no media came for `pull_patience`, or
/// the leash is pulled.
Task<SourceEnding> rtmp_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash);

}   // namespace millrace::session
