#pragma once

#include "session/forward.hpp"

namespace millrace::session {

/// A stream published to another RTMP server, `rtmp(s)://host/app/key`, as players here would get it. Its
/// publication is begun before the stream is joined, so that no source is woken for a server that is away.
Task<ForwardEnding> rtmp_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course);

}   // namespace millrace::session
