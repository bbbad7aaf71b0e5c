#pragma once

#include "session/forward.hpp"

namespace millrace::session {

/// By PUT, as HLS: each new segment of MPEG-TS as "http(s)://HOST/…/NUMBER.ts", then "list.m3u8", until the
/// list ends.
Task<ForwardEnding> hls_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course);

}   // namespace millrace::session
