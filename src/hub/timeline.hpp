#pragma once

#include "base/time.hpp"
#include "hub/flicks.hpp"
#include "media/access_unit.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace millrace::hub {

/// Maps a publisher's timestamps to the run's timeline: monotonic in each track, tracks kept together.
///
/// A sane publisher's times pass unchanged. Audio advances by its samples while that stays within 10 ms of
/// the publisher's clock. A step back, or ahead of the arrival clock by more than `jump_ahead`, is a jump:
/// the timeline goes on by the arrival clock, the unit is marked, and the other tracks follow by the same
/// offset.
class Timeline {
public:
    static constexpr std::size_t tracks_max = 8;
    static constexpr Duration jump_ahead = 3s;
    static constexpr Duration step_back_tolerated = 200ms;
    static constexpr Duration tracks_apart = 60ms;   ///< they follow one offset if that moves them no more
    static constexpr Duration audio_slack = 10ms;

    /// Sets dts, pts and discontinuity of a unit that carries its publisher's times.
    void place(media::AccessUnit& unit, Instant arrival);
    /// The unit's times are of this very run, as another node placed them: they stay as they are. False where
    /// they do not go on, or lie beyond `run_max_seconds`.
    bool keep(const media::AccessUnit& unit, Instant arrival);
    static constexpr std::int64_t run_max_seconds = 10LL * 366 * 86'400;
    /// Another publisher goes on in this run: its times begin anew, at the arrival clock.
    void restart();
    std::uint64_t jumps() const { return jumps_; }

private:
    static constexpr Flicks flicks_a_millisecond = flicks_a_second / 1000;

    struct TrackClock {
        bool started = false;   // in this run
        bool joined = false;    // and since this publisher came
        Flicks offset = 0;      // run time minus the publisher's time
        Flicks run = 0;         // run dts of the last unit
        Instant arrival;
        std::int64_t dts = 0;   // the same in the track's own timescale
        std::int64_t duration = 0;
        std::int64_t timescale = 0;
    };

    /// Whether `offset` continues the track: not back, and not ahead of what arrival allows.
    bool continues(const TrackClock& clock, Flicks source, Flicks offset, Instant arrival) const;
    /// Whether a unit that could go on by its track's own offset came after the jump another track made: then
    /// the shared offset puts it about where its track is. One from before the jump would step far by it.
    bool belongs_to_jump(const TrackClock& clock, Flicks source) const;
    Flicks offset_for(TrackClock& clock, Flicks source, Instant arrival, bool& jumped);
    /// Where the run stands at `arrival` by the arrival clock.
    Flicks run_at(Instant arrival) const;
    /// Where an audio frame lies by its samples, or `dts` where the publisher's clock says a step.
    static std::int64_t refine_audio(const TrackClock& clock, std::int64_t dts);
    void set_times(TrackClock& clock, media::AccessUnit& unit, Flicks run, bool jumped);

    std::array<TrackClock, tracks_max> clocks_;
    std::optional<Flicks> offset_;   // the newest, shared by all tracks that follow it
    Flicks newest_run_ = 0;
    Instant newest_arrival_;
    bool restarted_ = false;
    std::uint64_t jumps_ = 0;
};

}   // namespace millrace::hub
