#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// MPEG-TS that comes by UDP as a publisher, to the address that `udp://@ADDRESS:PORT` says, a group's too;
/// bare, or inside RTP (RFC 2250). It listens until somebody sends; then it hears that sender alone, until
/// it says its end (running_status), nothing came from it for `pull_patience`, or the leash is pulled.
Task<SourceEnding> udp_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule, SourceLeash& leash);

}   // namespace millrace::session
