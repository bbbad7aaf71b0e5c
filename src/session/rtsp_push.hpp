#pragma once

#include "session/forward.hpp"

namespace millrace::session {

/// A stream published to an RTSP server, `rtsp(s)://host/path`, over the connection itself, with every track
/// that RTP carries. The server is called before the stream is joined, so that no source is woken for one
/// that is away.
Task<ForwardEnding> rtsp_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course);

}   // namespace millrace::session
