#pragma once

#include "protocol/rtsp/server.hpp"

namespace millrace::rtsp {

/// What a player over TCP says while it listens: keep-alives, RTCP, PAUSE and PLAY, TEARDOWN. Owned by the
/// fan-out's viewing; the functions are called on its worker.
struct PlayerWishes {
    std::function<void()> key_frame;   ///< it lost a picture (PLI, FIR)
    /// It plays again: where each track goes on for it.
    std::function<std::vector<Server::TrackStart>()> starts{};
};

/// Whether a compound of RTCP says that its sender lost a picture (PLI, FIR).
bool asks_for_key_frame(ByteSpan compound);

/// From a server that is playing.
std::unique_ptr<BackChannel> into_back_channel(std::unique_ptr<Server> server, PlayerWishes wishes);

}   // namespace millrace::rtsp
