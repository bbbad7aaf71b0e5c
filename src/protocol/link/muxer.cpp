#include "protocol/link/muxer.hpp"

namespace millrace::link {

void Muxer::say(const Message& message, BlockLog& log, Instant now) {
    scratch_.clear();
    if (link::write(scratch_, message)) {
        log.message({ByteSpan{scratch_}}, now);
    }
}

bool Muxer::configure(std::span<const media::Track> tracks, BlockLog& log, Instant now) {
    std::vector<std::byte> all;
    for (const media::Track& track : tracks) {
        // One with too many parameter sets cannot be said, nor can its units then be read.
        if (!link::write(all, track)) {
            return false;
        }
    }
    tracks_ = Bytes{std::move(all)};
    log.message({tracks_.span()}, now);
    return true;
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    scratch_.clear();
    if (unit.cut != nullptr) {
        // Cannot fail: it is of one size.
        [[maybe_unused]] const Result<> said = link::write(scratch_, SegmentCut{*unit.cut, since_cut_});
    }
    if (!link::write(scratch_, unit)) {
        return;
    }
    log.message({ByteSpan{scratch_}}, now);
    since_cut_ = unit.cut != nullptr ? 1 : since_cut_ + 1;
    if (const std::optional<ChunkProof> proof = prover_.take(unit)) {
        say(*proof, log, now);
    }
}

void Muxer::unpublished(BlockLog& log, Instant now) {
    for (const ChunkProof& proof : prover_.finish()) {
        say(proof, log, now);
    }
    say(End{}, log, now);
}

}   // namespace millrace::link
