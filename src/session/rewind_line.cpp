#include "session/rewind_line.hpp"

#include "media/time.hpp"

#include <algorithm>
#include <utility>

namespace millrace::session {

namespace {

constexpr std::int64_t microseconds = 1'000'000;
/// Between what left last and what is played next, on the line.
constexpr std::int64_t seam_us = 40'000;

/// So long in real time is a span that is played at this scale.
constexpr std::int64_t played(std::int64_t span, rtsp::Scale scale) {
    return scale == rtsp::real_time ? span : media::rescale_nearest(span, scale, rtsp::real_time);
}

}   // namespace

void RewindLine::enter(const archive::FoundFragment& one) {
    const archive::Fragment& fragment = one.fragment;
    if (std::exchange(run_, one.run) != one.run || end_us_ == 0) {
        shift_us_ = std::max(fragment.utc.microseconds, end_us_) - fragment.media_us;
    }
    const std::int64_t begin_us = fragment.media_us + shift_us_;
    if (end_us_ != 0 && begin_us > end_us_ + gap_min_us) {
        began_ = began_ - std::chrono::microseconds{played(begin_us - end_us_, scale_)};
    }
    end_us_ = begin_us + fragment.duration_us;
}

void RewindLine::play(WallTime moment, rtsp::Scale scale, Instant now) {
    base_us_ = newest_us_ == 0 ? 0 : newest_us_ + seam_us;
    newest_us_ = base_us_;
    start_ = moment;
    scale_ = scale;
    began_ = now;
}

WallTime RewindLine::at(const media::AccessUnit& unit, std::int64_t ticks) const {
    return {media::rescale_nearest(ticks, unit.config->timescale, microseconds) + shift_us_};
}

Instant RewindLine::due(const media::AccessUnit& unit) const {
    return began_ +
           std::chrono::microseconds{played(decoded_at(unit).microseconds - start_.microseconds, scale_)};
}

std::int64_t RewindLine::on_line_us(WallTime moment) const {
    return base_us_ + played(moment.microseconds - start_.microseconds, scale_);
}

std::int64_t RewindLine::placed(const media::AccessUnit& unit, std::int64_t ticks) const {
    const std::int64_t timescale = unit.config->timescale;
    const std::int64_t start =
        media::rescale_nearest(start_.microseconds - shift_us_, microseconds, timescale);
    return media::rescale_nearest(base_us_, microseconds, timescale) + played(ticks - start, scale_);
}

bool RewindLine::place(media::AccessUnit& unit, Instant now) {
    const Duration late = now - due(unit);
    if (late > late_max) {
        began_ = began_ + late;
    }
    unit.pts = placed(unit, unit.pts);
    unit.dts = placed(unit, unit.dts);
    newest_us_ = std::max(newest_us_, media::rescale_nearest(unit.pts, unit.config->timescale, microseconds));
    return late > late_max;
}

WallTime RewindLine::report_time(const media::AccessUnit& placed) const {
    const std::int64_t on_line = media::rescale_nearest(placed.pts, placed.config->timescale, microseconds);
    return {start_.microseconds + on_line - base_us_};
}

}   // namespace millrace::session
