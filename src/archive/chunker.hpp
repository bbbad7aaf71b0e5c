#pragma once

#include "container/mp4_chunk.hpp"
#include "media/segment.hpp"

#include <array>
#include <deque>
#include <optional>

namespace millrace::archive {

/// A chunk, and where in the run it is.
struct CutChunk {
    media::Track track;
    mp4::Chunk chunk;
    media::CutRef cut;     ///< of the fragment that it belongs to
    bool begins = false;   ///< it is that fragment's first
    std::size_t units = 0;
};

/// Makes CMAF chunks of a stream's units while they come: one ends as mp4::chunked says, as soon as the unit
/// behind its last one is there. A fragment begins with the chunk whose first unit has a cut; chunks of other
/// tracks end there, too, and those that follow wait behind it. Pure; one owner.
class Chunker {
public:
    static constexpr std::size_t tracks_max = 8;

    /// Units before the first cut are left out.
    void take(const media::AccessUnitRef& unit);
    /// Ends what is open: what follows is not known, or never comes. The newest units are as long as those
    /// before them.
    void finish();
    /// Ends the chunks of tracks that no unit came of since the last call: so a slow track does not wait for
    /// its next unit.
    void finish_quiet();

    std::optional<CutChunk> next();

private:
    struct Lane {
        std::vector<media::AccessUnitRef> units;   // of the chunk that is open
        media::CutRef begins;                      // set while its first unit begins a fragment
        std::int64_t step = 0;                     // between its last two units, in ticks
        std::int64_t newest = 0;                   // dts of its last unit
        media::ConfigRef config;                   // of that
        bool quiet = false;                        // no unit since `finish_quiet`
    };

    /// Ends the chunk of the lane's first `count` units; the last of them ends at `end`.
    void close(Lane& lane, std::size_t count, std::int64_t end);
    void close_all(Lane& lane, const media::AccessUnit* next);
    static std::int64_t assumed_end(const Lane& lane);

    std::array<Lane, tracks_max> lanes_;
    media::CutRef cut_;           // of the fragment under way
    bool awaited_ = false;        // its first chunk is not there yet
    std::deque<CutChunk> held_;   // behind that one
    std::deque<CutChunk> ready_;
};

}   // namespace millrace::archive
