#pragma once

#include "protocol/rtmp/client.hpp"
#include "sim/viewer.hpp"

namespace millrace::sim {

/// Plays rtmp://host/live/KEY. Goes on after the server said that the publisher ended: another may come.
class RtmpViewer final : public Viewer {
public:
    RtmpViewer(World& world, ViewerPlan plan);

private:
    static Task<> run(RtmpViewer& self);
    Task<Result<>> play(Connection& connection, rtmp::Client& client);
    Result<> take_events(rtmp::Client& client);
};

inline RtmpViewer& watch_rtmp(World& world, ViewerPlan plan) {
    return world.add<RtmpViewer>(std::move(plan));
}

}   // namespace millrace::sim
