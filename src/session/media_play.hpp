#pragma once

#include "base/web.hpp"
#include "session/desk.hpp"

namespace millrace::session {

/// `/NAME.flv`, `/NAME.ts`, `/NAME.mp4`, over HTTP as an endless answer or over a WebSocket, all tracks or
/// `?tracks=video|audio`; `/NAME.h264`, over a WebSocket alone, `?wfs` for pages with wfs.js; `/NAME.mjpeg`
/// with `picture_wish_of`'s query, and `/video_feed`, the default stream's. The conversation ends when the
/// fan-out takes the viewer over. HEAD asks whether the stream is there.
web::Route media_play(Desk& desk);

}   // namespace millrace::session
