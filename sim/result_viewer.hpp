#pragma once

#include "container/mp4_reader.hpp"
#include "sim/viewer.hpp"

#include <map>
#include <vector>

namespace millrace::sim {

/// Plays /live/KEY.mp4, and notes when each picture, and each result that says `"frame":ORDINAL`, was whole.
class ResultViewer final : public Viewer {
public:
    ResultViewer(World& world, ViewerPlan plan);

    /// By the picture's ordinal.
    std::map<std::uint64_t, Instant> results;
    std::map<std::uint64_t, Instant> pictures;

    /// How long the pictures were on their way that were taken from then to then, in order of length; those
    /// that never came are not among them.
    std::vector<Duration> delays(Instant from, Instant to) const;

private:
    static Task<> run(ResultViewer& self);
    Result<> receive(ByteSpan bytes);
    Result<> take_box(std::uint32_t type, ByteSpan box);

    std::vector<std::byte> bytes_;
    mp4::Reader reader_;
};

}   // namespace millrace::sim
