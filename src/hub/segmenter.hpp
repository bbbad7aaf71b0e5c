#pragma once

#include "hub/flicks.hpp"
#include "hub/timeline.hpp"
#include "media/segment.hpp"

#include <array>
#include <deque>
#include <optional>
#include <vector>

namespace millrace::hub {

/// Deals the units of a stream out to segments: every unit from the first cut on goes to exactly one, in
/// order. Takes them in the order of the feed; owned by what packages them, home worker only.
///
/// Pictures belong to the cut before them in the feed. Units of other tracks belong by their times: before
/// the cut's they go to the segment before it; one that comes when that is complete goes to the next. A
/// track that breaks off (another configuration, a jump) goes to the segment of the cut that this causes,
/// whatever its times. What belongs before the first cut is left out. A segment that is torn, since units of
/// it are not here, comes without tracks, and so do those whose cut is not here, where they are few.
class Segmenter {
public:
    /// A segment waits so long for tracks that lag, by the run's time.
    static constexpr Duration patience = 1s;
    /// Units of one segment; the publisher's pace bounds it, and beyond it units are dropped and counted.
    static constexpr std::size_t units_max = 65'536;
    /// Units of a track that are kept before the first cut, for they may belong behind it.
    static constexpr std::size_t ahead_max = 256;

    /// `lacked_max`: so many segments between two cuts are told as lacking.
    explicit Segmenter(std::string run, std::size_t lacked_max = 0)
        : run_{std::move(run)}, lacked_max_{lacked_max} {}

    /// `carried`: the unit's track is wanted; the others' cuts count all the same.
    void take(const media::AccessUnitRef& unit, bool carried);
    /// The segments under way are not all here.
    void tear();
    /// What there is is complete: nothing follows, or what does begins with a cut of its own.
    void end();
    /// No segment is under way.
    bool empty() const { return open_.empty(); }
    /// The next complete segment; one without a unit of a wanted track has no tracks.
    std::optional<media::SegmentUnits> next();

    std::uint64_t dropped() const { return dropped_; }

private:
    using Units = std::vector<media::AccessUnitRef>;
    struct Open {
        media::CutRef cut;
        Flicks time = 0;
        std::array<Units, Timeline::tracks_max> tracks;
        std::size_t units = 0;
        bool torn = false;
    };
    struct Waiting {
        media::AccessUnitRef unit;
        bool breaks = false;   // the track broke off here: it takes a cut of its own
    };
    struct Seen {
        media::ConfigRef config;
        std::int64_t end = 0;      // of the newest unit, in the track's ticks
        std::int64_t step = 0;     // the shortest between two
        std::int64_t newest = 0;   // dts
        bool dealt = false;        // a segment has units of it
        bool held = false;         // its units wait for the next cut
        std::uint64_t floor = 0;   // number of the segment that its newest unit is in
        std::uint64_t said = 0;    // and that segment's discontinuity sequence
        std::deque<Waiting> waiting;
    };

    void open(const media::CutRef& cut);
    /// Segments between these two cuts, which another node had.
    void add_lacked(const media::Cut& before, const media::Cut& next);
    /// Units that came before the cut and belong behind it.
    void hand_on(media::TrackId track, Open& to);
    void place(const media::AccessUnitRef& unit);
    void wait(Seen& seen, Waiting waiting);
    Open& segment_for(const media::AccessUnit& unit);
    void put(Open& segment, const media::AccessUnitRef& unit);
    bool complete() const;
    media::SegmentUnits close_front();
    std::int64_t end_of(media::TrackId track) const;

    std::string run_;
    std::size_t lacked_max_ = 0;
    media::CutRef newest_cut_;
    std::deque<Open> open_;
    std::array<Seen, Timeline::tracks_max> seen_;
    Flicks newest_ = 0;   // dts of whatever came
    std::size_t begun_ = 0;
    bool first_ = true;
    bool ended_ = false;
    std::uint64_t dropped_ = 0;
};

}   // namespace millrace::hub
