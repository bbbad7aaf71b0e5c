#pragma once

#include "session/source.hpp"

namespace millrace::session {

/// Media in the messages of a WebSocket as a publisher (`ws://`, `wss://`): FLV, MPEG-TS or fragmented MP4,
/// which the first message shows. Text messages are passed over. What it is given outlives it.
Task<SourceEnding> ws_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule, SourceLeash& leash);

}   // namespace millrace::session
