#pragma once

#include "sim/viewer.hpp"

namespace millrace::sim {

/// Plays /live/KEY.flv.
class FlvViewer final : public Viewer {
public:
    FlvViewer(World& world, ViewerPlan plan);

private:
    static Task<> run(FlvViewer& self);
    Task<Result<>> ask(Connection& connection);
    Result<> receive(ByteSpan bytes);
    Result<> receive_head(ByteSpan& bytes);

    std::string head_;
    flv::Splitter splitter_;
};

inline FlvViewer& watch_flv(World& world, ViewerPlan plan) {
    return world.add<FlvViewer>(std::move(plan));
}

}   // namespace millrace::sim
