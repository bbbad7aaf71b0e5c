#include "hub/segmenter.hpp"

#include "hub/cutter.hpp"

#include <algorithm>
#include <limits>
#include <ranges>

namespace millrace::hub {

namespace {

constexpr media::TrackId tracks = Timeline::tracks_max;

/// How long a unit is taken to last when nothing says so.
constexpr std::int64_t units_a_second = 25;
/// And at the longest: behind what says otherwise is a hole, which the cutter does not count either.
constexpr std::int64_t longest_seconds = 1;

/// Of a track of which units are missing.
constexpr std::int64_t unknown_end = std::numeric_limits<std::int64_t>::min();

Flicks pts_of(const media::AccessUnit& unit) {
    return flicks(unit.pts, unit.config->timescale);
}

}   // namespace

void Segmenter::take(const media::AccessUnitRef& unit, bool carried) {
    newest_ = std::max(newest_, flicks(unit->dts, unit->config->timescale));
    if (unit->cut != nullptr) {
        open(unit->cut);
    }
    if (carried) {
        place(unit);
    }
}

void Segmenter::open(const media::CutRef& cut) {
    ended_ = false;
    if (newest_cut_ != nullptr && cut->number > newest_cut_->number + 1) {
        tear();
        add_lacked(*newest_cut_, *cut);
    }
    newest_cut_ = cut;
    Open begun;
    begun.cut = cut;
    begun.time = flicks(cut->time, cut->timescale);
    open_.push_back(std::move(begun));
    ++begun_;
    for (media::TrackId track = 0; track < tracks; ++track) {
        hand_on(track, open_.back());
    }
}

void Segmenter::tear() {
    for (Open& segment : open_) {
        segment.torn = true;
    }
    for (Seen& seen : seen_) {
        seen.end = unknown_end;
    }
}

void Segmenter::add_lacked(const media::Cut& before, const media::Cut& next) {
    const std::uint64_t count = next.number - before.number - 1;
    if (count > lacked_max_) {
        return;
    }
    const Flicks from = flicks(before.time, before.timescale);
    const auto steps = static_cast<std::int64_t>(count + 1);
    const Flicks step = (flicks(next.time, next.timescale) - from) / steps;
    const std::int64_t utc_step = (next.utc.microseconds - before.utc.microseconds) / steps;
    for (std::int64_t at = 1; at < steps; ++at) {
        media::Cut cut = before;
        cut.number += static_cast<std::uint64_t>(at);
        cut.discontinuity = false;
        cut.timescale = next.timescale;
        cut.time = media::rescale(from + at * step, flicks_a_second, next.timescale);
        cut.utc.microseconds += at * utc_step;
        open_.push_back({.cut = std::make_shared<const media::Cut>(cut),
                         .time = from + at * step,
                         .tracks = {},
                         .torn = true});
        ++begun_;
    }
}

void Segmenter::hand_on(media::TrackId track, Open& to) {
    Seen& seen = seen_[track];
    if (seen.config == nullptr) {
        return;
    }
    const auto belongs = [&to](const media::AccessUnitRef& unit) { return pts_of(*unit) >= to.time; };
    const bool video = media::kind_of(seen.config->codec) == media::Kind::video;
    if (!seen.held && !video && open_.size() > 1) {
        Open& before = open_[open_.size() - 2];
        Units& units = before.tracks[track];
        const auto from = std::ranges::find_if(units, belongs);
        before.units -= static_cast<std::size_t>(units.end() - from);
        const Units moved{from, units.end()};
        units.erase(from, units.end());
        for (const media::AccessUnitRef& unit : moved) {
            put(to, unit);
        }
    }
    for (bool first = true; !seen.waiting.empty() && (first || !seen.waiting.front().breaks); first = false) {
        const media::AccessUnitRef unit = std::move(seen.waiting.front().unit);
        seen.waiting.pop_front();
        if (begun_ > 1 || belongs(unit)) {
            put(to, unit);
        }
    }
    seen.held = !seen.waiting.empty();
}

void Segmenter::put(Open& segment, const media::AccessUnitRef& unit) {
    if (segment.units >= units_max) {
        ++dropped_;
        return;
    }
    ++segment.units;
    segment.tracks[unit->track].push_back(unit);
    Seen& seen = seen_[unit->track];
    seen.floor = segment.cut->number;
    seen.said = segment.cut->discontinuity_sequence;
    seen.dealt = true;
}

void Segmenter::place(const media::AccessUnitRef& unit) {
    Seen& seen = seen_[unit->track % seen_.size()];
    const bool fresh = seen.config == nullptr;
    // Where all that it had lies before the first cut, there is nothing to break off from.
    const bool nothing_before = begun_ == 1 && !seen.dealt && !seen.held;
    // Nor does anything break off where units are missing: whoever made the cuts saw them go on.
    const bool torn = seen.end == unknown_end;
    const bool broken =
        !torn && (fresh ? begun_ > 1 : !nothing_before && breaks_off(*unit, seen.config, seen.end));
    if (fresh || seen.config->timescale != unit->config->timescale) {
        seen.step = 0;
    } else if (const std::int64_t step = unit->dts - seen.newest; step > 0 && !broken) {
        seen.step = seen.step > 0 ? std::min(seen.step, step) : step;
    }
    seen.config = unit->config;
    seen.newest = unit->dts;
    seen.end = unit->dts + unit->duration;
    // A cut between pictures that stay away travels with audio, but is not made by it.
    const bool own =
        unit->cut != nullptr && (unit->kind() == media::Kind::video || pts_of(*unit) == open_.back().time);
    if (own && !seen.held) {
        put(open_.back(), unit);
        return;
    }
    if (broken && !seen.held) {
        const media::Cut* const last = open_.empty() ? nullptr : open_.back().cut.get();
        const bool said = last != nullptr &&
                          (last->discontinuity || (seen.dealt && last->discontinuity_sequence > seen.said));
        if (said && open_.back().tracks[unit->track].empty()) {
            put(open_.back(), unit);
            return;
        }
        seen.held = begun_ > 0;
        if (!seen.held) {
            seen.waiting.clear();   // what it had before belongs before the first cut
        }
    }
    const bool picture = unit->kind() == media::Kind::video;
    if (seen.held || (open_.empty() && (!picture || begun_ > 0))) {
        wait(seen, {unit, broken});
        return;
    }
    if (picture) {
        if (!open_.empty()) {
            put(open_.back(), unit);
        }
        return;
    }
    const bool before_all = begun_ == open_.size() && pts_of(*unit) < open_.front().time;
    if (!before_all || seen.floor >= open_.front().cut->number) {
        put(segment_for(*unit), unit);
    }
}

void Segmenter::wait(Seen& seen, Waiting waiting) {
    if (!seen.held && seen.waiting.size() >= ahead_max) {
        seen.waiting.pop_front();   // long before the first cut
    }
    if (seen.waiting.size() >= units_max) {
        ++dropped_;
        return;
    }
    seen.waiting.push_back(std::move(waiting));
}

Segmenter::Open& Segmenter::segment_for(const media::AccessUnit& unit) {
    const Flicks pts = pts_of(unit);
    const std::uint64_t floor = seen_[unit.track].floor;
    for (std::size_t i = open_.size() - 1; i > 0; --i) {
        if (pts >= open_[i].time || floor >= open_[i].cut->number) {
            return open_[i];
        }
    }
    return open_.front();
}

void Segmenter::end() {
    ended_ = true;
}

bool Segmenter::complete() const {
    if (open_.empty()) {
        return false;
    }
    if (ended_) {
        return true;
    }
    if (open_.size() < 2) {
        return false;
    }
    if (newest_ >= open_[1].time + flicks(patience)) {
        return true;
    }
    const Open& front = open_.front();
    for (std::size_t track = 0; track < seen_.size(); ++track) {
        const bool others = std::ranges::any_of(
            open_ | std::views::drop(1), [track](const Open& later) { return !later.tracks[track].empty(); });
        const bool picture = seen_[track].config != nullptr &&
                             media::kind_of(seen_[track].config->codec) == media::Kind::video;
        if (!front.tracks[track].empty() && !others && !picture) {
            return false;
        }
    }
    return true;
}

std::int64_t Segmenter::end_of(media::TrackId track) const {
    const Units& units = open_.front().tracks[track];
    const media::AccessUnit& last = *units.back();
    std::int64_t usual = last.duration;
    if (usual <= 0 && units.size() > 1) {
        usual = last.dts - units[units.size() - 2]->dts;
    }
    if (usual <= 0) {
        usual = seen_[track].step > 0 ? seen_[track].step : last.config->timescale / units_a_second;
    }
    const std::int64_t scale = last.config->timescale;
    usual = std::min(usual, scale * longest_seconds);
    if (open_.size() > 1 && !open_[1].tracks[track].empty()) {
        const media::AccessUnit& next = *open_[1].tracks[track].front();
        const bool ahead = next.dts - last.dts > usual + std::min(usual, scale / 10);
        // A hole before a break lengthens nothing, nor one before a cut that pictures did not make.
        const bool broken =
            open_[1].cut->discontinuity || (next.kind() == media::Kind::video && next.cut == nullptr);
        if (next.config->timescale == scale && !(broken && ahead)) {
            return next.dts;
        }
    }
    return last.dts + usual;
}

media::SegmentUnits Segmenter::close_front() {
    Open& front = open_.front();
    media::SegmentUnits made;
    made.run = run_;
    made.cut = *front.cut;
    made.first = first_;
    if (front.torn && open_.size() > 1) {
        // Where those between are not listed, as long as one of them.
        const auto steps = static_cast<double>(open_[1].cut->number - front.cut->number);
        made.lasts =
            static_cast<double>(open_[1].time - front.time) / static_cast<double>(flicks_a_second) / steps;
    }
    for (media::TrackId track = 0; track < tracks; ++track) {
        if (front.tracks[track].empty() || front.torn) {
            continue;
        }
        const std::int64_t end = end_of(track);
        const media::AccessUnit& unit = *front.tracks[track].front();
        made.tracks.push_back(
            {.track = {.id = track, .kind = unit.kind(), .language = {}, .config = unit.config},
             .units = std::move(front.tracks[track]),
             .end = end});
    }
    first_ = false;
    open_.pop_front();
    return made;
}

std::optional<media::SegmentUnits> Segmenter::next() {
    if (!complete()) {
        return std::nullopt;
    }
    return close_front();
}

}   // namespace millrace::hub
