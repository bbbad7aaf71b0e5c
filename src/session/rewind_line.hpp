#pragma once

#include "archive/index.hpp"
#include "media/access_unit.hpp"
#include "protocol/rtsp/range.hpp"

#include <string>

namespace millrace::session {

/// How a player's line of time lies along what was recorded: which moment of the day a unit is, which time it
/// has on the line, and when it leaves. The line is the clock of capture divided by the scale, so it jumps
/// over gaps as that does, while packets behind a gap leave at once; it never falls back, whatever is played
/// next. Pure; times in microseconds.
class RewindLine {
public:
    /// Fragments that lie further apart have a gap between them.
    static constexpr std::int64_t gap_min_us = 1'000'000;
    /// Who takes packets more slowly than they are due is waited for from this on: the pace slips.
    static constexpr Duration late_max = 1s;

    /// Units of this fragment follow. Within a run times go on as they did; from one to the next as the clock
    /// on the wall did, but never back.
    void enter(const archive::FoundFragment& one);
    /// What follows is elsewhere: nothing is known of a fragment before.
    void leave() { end_us_ = 0; }

    /// From this moment on it is played so fast.
    void play(WallTime moment, rtsp::Scale scale, Instant now);
    /// After a pause, with this unit: the line goes on as if there had been none.
    void go_on(const media::AccessUnit& next, Instant now) { began_ = began_ + (now - due(next)); }
    /// Moments of the day, of the fragment that was entered last.
    WallTime shown_at(const media::AccessUnit& unit) const { return at(unit, unit.pts); }
    WallTime decoded_at(const media::AccessUnit& unit) const { return at(unit, unit.dts); }
    /// When it is to leave.
    Instant due(const media::AccessUnit& unit) const;
    /// It leaves now: its times become those of the line. True where it is late by more than late_max, and so
    /// the pace slipped.
    bool place(media::AccessUnit& unit, Instant now);

    /// Where a moment lies on the line.
    std::int64_t on_line_us(WallTime moment) const;
    /// What sender reports say of a unit that was placed: the clock of capture, as far as it goes at real
    /// time; else a clock that was right at the start.
    WallTime report_time(const media::AccessUnit& placed) const;
    rtsp::Scale scale() const { return scale_; }

private:
    WallTime at(const media::AccessUnit& unit, std::int64_t ticks) const;
    /// Ticks of the line.
    std::int64_t placed(const media::AccessUnit& unit, std::int64_t ticks) const;

    std::string run_;
    std::int64_t shift_us_ = 0;   // what makes times of the run moments of the day
    std::int64_t end_us_ = 0;     // of the fragment before; 0: none was
    WallTime start_;
    rtsp::Scale scale_ = rtsp::real_time;
    std::int64_t base_us_ = 0;
    std::int64_t newest_us_ = 0;   // on the line, of what left
    Instant began_;                // when `start_` was, or would have been, due
};

}   // namespace millrace::session
