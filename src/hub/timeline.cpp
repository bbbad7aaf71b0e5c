#include "hub/timeline.hpp"

#include "media/time.hpp"

#include <algorithm>

namespace millrace::hub {

void Timeline::restart() {
    restarted_ = true;
    for (TrackClock& clock : clocks_) {
        clock.joined = false;
    }
}

bool Timeline::continues(const TrackClock& clock, Flicks source, Flicks offset, Instant arrival) const {
    const Flicks step = source + offset - clock.run;
    const Flicks waited = flicks(arrival - clock.arrival);
    return step > -flicks(step_back_tolerated) && step <= waited + flicks(jump_ahead);
}

bool Timeline::belongs_to_jump(const TrackClock& clock, Flicks source) const {
    const Flicks own = std::abs(source + clock.offset - clock.run);
    const Flicks shared = std::abs(source + *offset_ - clock.run);
    return *offset_ != clock.offset && shared <= own + flicks(tracks_apart);
}

Flicks Timeline::run_at(Instant arrival) const {
    return newest_run_ + std::max(flicks(arrival - newest_arrival_), flicks_a_millisecond);
}

Flicks Timeline::offset_for(TrackClock& clock, Flicks source, Instant arrival, bool& jumped) {
    if (!offset_) {
        offset_ = 0;   // the first unit of the run: the publisher's own times
        return 0;
    }
    if (!restarted_) {
        const bool own = clock.joined && continues(clock, source, clock.offset, arrival);
        const bool shared = clock.joined ? continues(clock, source, *offset_, arrival)
                                         : std::abs(source + *offset_ - newest_run_) < flicks(jump_ahead);
        if (own && !(shared && belongs_to_jump(clock, source))) {
            return clock.offset;
        }
        // Another track jumped before: follow it. A late track joins it likewise.
        if (shared) {
            jumped = clock.started;
            return *offset_;
        }
    }
    jumped = true;
    ++jumps_;
    // Whole milliseconds, so that times in milliseconds stay exact.
    const Flicks wanted = run_at(arrival) - source;
    const Flicks offset = media::rescale(wanted, flicks_a_millisecond, 1) * flicks_a_millisecond;
    // A late track with a clock of its own does not drag the others along.
    if (clock.joined || restarted_) {
        offset_ = offset;
    }
    restarted_ = false;
    return offset;
}

void Timeline::place(media::AccessUnit& unit, Instant arrival) {
    TrackClock& clock = clocks_[unit.track % tracks_max];
    const std::int64_t timescale = unit.config->timescale;
    const Flicks source = media::rescale(unit.dts, timescale, flicks_a_second);
    bool jumped = false;
    const Flicks offset = offset_for(clock, source, arrival, jumped);
    set_times(clock, unit, source + offset, jumped);
    clock.offset = offset;
    clock.arrival = arrival;
    clock.started = true;
    clock.joined = true;
    if (clock.run >= newest_run_) {
        newest_run_ = clock.run;
        newest_arrival_ = arrival;
    }
}

std::int64_t Timeline::refine_audio(const TrackClock& clock, std::int64_t dts) {
    const std::int64_t slack = media::rescale(flicks(audio_slack), flicks_a_second, clock.timescale);
    const std::int64_t expected = clock.dts + clock.duration;
    const std::int64_t off = std::abs(dts - expected);
    if (off > slack) {
        return dts;
    }
    const bool coarse = clock.timescale < media::milliseconds_timescale;
    if (coarse || off * media::milliseconds_timescale > clock.timescale) {
        return expected;
    }
    // Off by rounding to milliseconds at most: of the samples that round to the same one, the nearest. After
    // some frames this has found where between milliseconds the publisher's samples lie, and moves no more.
    const std::int64_t ms = media::rescale_nearest(dts, clock.timescale, media::milliseconds_timescale);
    const auto first_of = [&clock](std::int64_t millisecond) {
        return -media::rescale(1 - 2 * millisecond, 2 * media::milliseconds_timescale, clock.timescale);
    };
    return std::clamp(expected, first_of(ms), first_of(ms + 1) - 1);
}

void Timeline::set_times(TrackClock& clock, media::AccessUnit& unit, Flicks run, bool jumped) {
    const std::int64_t timescale = unit.config->timescale;
    const std::int64_t composition = unit.pts - unit.dts;
    std::int64_t dts = media::rescale(run, flicks_a_second, timescale);
    if (clock.started && clock.timescale == timescale) {
        if (unit.kind() == media::Kind::audio && clock.duration > 0) {
            const std::int64_t refined = refine_audio(clock, dts);
            unit.discontinuity = unit.discontinuity || (refined == dts && dts != clock.dts + clock.duration);
            dts = refined;
        }
        const std::int64_t least = clock.dts + media::rescale(1, media::milliseconds_timescale, timescale);
        dts = std::max(dts, least);
    } else if (clock.started) {
        dts = std::max(dts, media::rescale(clock.run, flicks_a_second, timescale) + 1);
    }
    unit.dts = dts;
    unit.pts = dts + composition;
    unit.discontinuity = unit.discontinuity || jumped;
    clock.dts = dts;
    clock.run = media::rescale(dts, timescale, flicks_a_second);
    clock.duration = unit.duration;
    clock.timescale = timescale;
}

bool Timeline::keep(const media::AccessUnit& unit, Instant arrival) {
    const std::int64_t timescale = unit.config->timescale;
    TrackClock& clock = clocks_[unit.track % clocks_.size()];
    const std::int64_t most = run_max_seconds * timescale;
    const bool there = unit.dts >= -most && unit.dts <= most && unit.pts >= -most && unit.pts <= most &&
                       unit.duration >= 0 && unit.duration <= most;
    if (timescale <= 0 || !there) {
        return false;
    }
    const Flicks run = flicks(unit.dts, timescale);
    if (clock.started && run <= clock.run) {
        return false;
    }
    clock = {.started = true,
             .joined = true,
             .offset = 0,
             .run = run,
             .arrival = arrival,
             .dts = unit.dts,
             .duration = unit.duration,
             .timescale = timescale};
    offset_ = 0;
    newest_run_ = std::max(newest_run_, run);
    newest_arrival_ = arrival;
    restarted_ = false;
    return true;
}

}   // namespace millrace::hub
