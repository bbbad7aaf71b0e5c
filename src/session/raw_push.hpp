#pragma once

#include "session/forward.hpp"

namespace millrace::session {

/// A stream's pictures as a bare byte stream, H.264 or H.265 in Annex B, to `tcp://host:port`: nothing else
/// is said, and what the receiver says is dropped. It begins with a key frame and its parameter sets; all of
/// it goes, however little the receiver takes at a time, but one that falls behind skips to a key frame.
Task<ForwardEnding> raw_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course);

}   // namespace millrace::session
