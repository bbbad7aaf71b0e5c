#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// Media in the messages of a WebSocket as a publisher (`ws://`, `wss://`): FLV, MPEG-TS, fragmented MP4, or
/// a JPEG each, which the first message shows. Of text messages only the publisher's end is heard. What it is
/// given outlives it.
Task<SourceEnding> ws_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule, SourceLeash& leash);

}   // namespace millrace::session
