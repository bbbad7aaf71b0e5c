#pragma once

#include "base/time.hpp"
#include "media/access_unit.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace millrace::rtp {

/// Lays the tracks of one session on one timeline. Each RTP stream begins at a number of chance; what belongs
/// together is told by RTP-Info, else by sender reports, else by the moment of arrival. The track that came
/// first keeps its pace; what sender reports say later moves the others towards it by slew_permille, so that
/// nothing jumps, but what is further apart than step_min is set right at once. Owned by a session.
class Alignment {
public:
    static constexpr std::size_t tracks_max = 16;
    /// Where the first unit lies: what belongs before it (sound, decoding before showing) is still above 0.
    static constexpr Duration start = 1s;
    static constexpr std::int64_t slew_permille = 10;
    static constexpr Duration step_min = 1s;
    /// Sender reports of two tracks that disagree by more are of clocks that nobody set.
    static constexpr Duration believed_max = 20s;

    /// RTP-Info: that RTP time, in ticks of the unit's timescale, is the session's `start`. Before the
    /// track's first unit.
    void begins_at(std::size_t track, Duration time);

    /// Where a unit of a track lies that came at `arrival`; `sender_time` is Receiver::sender_time() in
    /// microseconds. Sets dts and pts; a step is marked as a discontinuity.
    void place(std::size_t track, media::AccessUnit& unit, Instant arrival,
               std::optional<std::int64_t> sender_time);
    /// All begins anew: another connection.
    void restart();

private:
    struct TrackPlace {
        std::optional<std::int64_t> zero;     // microseconds of RTP time that are the session's `start`
        std::optional<std::int64_t> offset;   // what is added to RTP time, in microseconds
        std::int64_t corrected_at = 0;        // RTP time of the last correction
    };
    std::int64_t first_offset(const TrackPlace& place, std::int64_t time, Instant arrival,
                              std::optional<std::int64_t> sender_time);
    bool correct(TrackPlace& place, std::int64_t time, std::optional<std::int64_t> sender_time);

    std::array<TrackPlace, tracks_max> places_;
    std::optional<std::size_t> leader_;   // the track that came first
    Instant began_;
    /// Sender's time of day minus the session's time, by the leader's reports.
    std::optional<std::int64_t> sender_zero_;
};

}   // namespace millrace::rtp
