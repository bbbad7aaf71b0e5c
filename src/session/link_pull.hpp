#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// A stream of another node as a publisher, played by a secure link (`kcp://host/name`): until that breaks,
/// the other node says the stream's end, no media came for `pull_patience`, or the leash is pulled.
Task<SourceEnding> link_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash);

}   // namespace millrace::session
