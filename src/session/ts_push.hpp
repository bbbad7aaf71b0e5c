#pragma once

#include "session/forward.hpp"

namespace millrace::session {

/// A stream as MPEG-TS in datagrams, seven packets each, to `udp://host:port?ttl=4&interface=eth0`, host or
/// group (`ttl` and `interface` are of groups). Each picture leaves as it comes, in small bursts, so that a
/// large one fits into the receiver's buffer. Nobody says whether it arrives.
Task<ForwardEnding> ts_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course);

}   // namespace millrace::session
