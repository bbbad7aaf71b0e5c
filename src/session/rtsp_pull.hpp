#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// A camera or server played by RTSP as a publisher, from its connection until that breaks, no packet came
/// for `rtsp_patience`, or the leash is pulled. By TCP or UDP as the rule says; where it leaves the choice,
/// UDP is tried first, and what worked is remembered on the desk.
Task<SourceEnding> rtsp_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash);

constexpr int rtsp_redirects_max = 3;

}   // namespace millrace::session
