#pragma once

#include "base/task.hpp"
#include "hub/mirror.hpp"
#include "protocol/rtsp/track_payloads.hpp"
#include "session/desk.hpp"

#include <memory>
#include <string>

namespace millrace::session {

/// A stream as a player was told of it before it plays. While this lives the stream has somebody who wants
/// it: a source on demand stays awake between DESCRIBE and PLAY.
struct RtspOffer {
    std::string stream;
    hub::Identity who;
    rtsp::Offer offer;
    std::unique_ptr<hub::ViewerSeat> place;
    LogView* log = nullptr;   ///< of the place, without bytes: it ends with the stream
};

/// Waits, as a viewer does, until the stream's tracks are known; a source on demand is called. Errors are
/// those of Mirrors::join. `player` is listed as an observer until it plays.
Task<Result<RtspOffer>> offer_stream(Desk& desk, hub::SessionFacts player);

}   // namespace millrace::session
