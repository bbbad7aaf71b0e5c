#include "hub/cutter.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::hub {

namespace {

constexpr Duration small_step = 200ms;
constexpr std::uint64_t numbers_max = 1ULL << 53U;   // what a script can count
/// A picture's time as far as it forgives a publisher's rounding.
constexpr Duration picture_slack_max = 100ms;

bool is_video(const media::AccessUnit& unit) {
    return unit.kind() == media::Kind::video;
}

Flicks dts_of(const media::AccessUnit& unit) {
    return flicks(unit.dts, unit.config->timescale);
}

Flicks pts_of(const media::AccessUnit& unit) {
    return flicks(unit.pts, unit.config->timescale);
}

constexpr std::int64_t whole_seconds_up(Flicks span) {
    return (span + flicks_a_second - 1) / flicks_a_second;
}

}   // namespace

bool breaks_off(const media::AccessUnit& unit, const media::ConfigRef& before, std::int64_t end) {
    if (before != unit.config) {
        return true;
    }
    const Flicks step = std::abs(flicks(unit.dts - end, unit.config->timescale));
    return unit.discontinuity && (is_video(unit) || step > flicks(small_step));
}

void Cutter::open_run(std::int64_t started) {
    const auto first = static_cast<std::uint64_t>(std::max<std::int64_t>(started, 0));
    const bool later = next_number_ > 0;
    next_number_ = std::max(next_number_, first);
    last_.reset();
    utc_offset_.reset();
    tracks_ = {};
    change_publisher();
    pending_ = later;
    count_from_number();
}

void Cutter::begin_behind(std::uint64_t last) {
    if (is_new() && next_number_ <= last && last < numbers_max) {
        next_number_ = last + unknown_numbers;
        count_from_number();
    }
}

void Cutter::count_from_number() {
    const std::int64_t since = static_cast<std::int64_t>(next_number_) - discontinuity_epoch;
    const auto sequence = static_cast<std::uint64_t>(std::max<std::int64_t>(since / discontinuity_step, 0));
    // The first cut of a later run is a discontinuity and adds one.
    discontinuities_ = std::max(discontinuities_, sequence - (pending_ && sequence > 0 ? 1 : 0));
}

void Cutter::change_publisher() {
    close();
    pending_ = last_.has_value();
    newcomer_ = true;
    lead_.reset();
    for (Seen& seen : tracks_) {
        seen = {.config = nullptr, .held = seen.held};
    }
    picture_at_.reset();
    picture_ = 0;
    key_at_.reset();
    group_ = 0;
    broken_at_.reset();
}

void Cutter::close() {
    if (last_ && picture_at_) {
        fix_target(*picture_at_ + picture_ - last_->dts);
    }
}

bool Cutter::leads(const media::AccessUnit& unit, std::optional<media::Kind> lead) const {
    if (lead != unit.kind()) {
        return false;
    }
    return !lead_ || *lead_ == unit.track || tracks_[*lead_ % tracks_.size()].config == nullptr ||
           media::kind_of(tracks_[*lead_ % tracks_.size()].config->codec) != *lead;
}

media::CutRef Cutter::consider(const media::AccessUnit& unit, std::optional<media::Kind> lead) {
    Seen& seen = tracks_[unit.track % tracks_.size()];
    const bool fresh = seen.config == nullptr;
    // A publisher that was there for a moment may have left units for the segment with which this one begins.
    const bool broken = fresh ? last_ && (newcomer_ || !opening_ || seen.in_segment)
                              : breaks_off(unit, seen.config, seen.end);
    // What begins beside a newcomer's first pictures is in their segment, wherever its times lie.
    seen.in_segment = seen.in_segment || (fresh && !broken && last_ && last_->discontinuity);
    media::CutRef cut = leads(unit, lead) ? lead_on(unit, broken) : follow(unit, broken);
    note(unit);
    return cut;
}

void Cutter::note(const media::AccessUnit& unit) {
    Seen& seen = tracks_[unit.track % tracks_.size()];
    seen.config = unit.config;
    seen.end = unit.dts + unit.duration;
    seen.newest = std::max(seen.newest, pts_of(unit));
    seen.in_segment = seen.in_segment || (last_ && seen.newest >= last_->time);
}

media::CutRef Cutter::follow(const media::AccessUnit& unit, bool broken) {
    Seen& seen = tracks_[unit.track % tracks_.size()];
    const Flicks pts = pts_of(unit);
    if (broken && last_) {
        if (!pending_ && last_->discontinuity && !seen.in_segment) {
            seen.in_segment = true;   // it follows the break at which this segment began
        } else {
            pending_ = true;
            ++seen.held;
        }
    }
    if (pending_ && !broken_at_) {
        broken_at_ = pts;
    }
    if (!last_ || is_video(unit)) {
        return nullptr;
    }
    const Flicks since = pending_ ? std::max(last_->time, *broken_at_) : last_->time;
    if (pts < since + longest() + flicks(tracks_apart)) {
        return nullptr;
    }
    // Pictures stay away. What audio there is behind the last of them is dealt out by time.
    const Flicks whole = target_ > 0 ? target_ * flicks_a_second : flicks(segment_);
    const Flicks pictures = picture_at_ ? *picture_at_ + picture_ : 0;
    const Flicks time = pending_ ? std::min(std::max(*broken_at_, last_->time + 1), pts)
                                 : std::max(last_->time + whole, std::min(pictures, last_->time + longest()));
    return cut(unit, {.time = time, .dts = time, .discontinuity = pending_, .independent = false});
}

media::CutRef Cutter::lead_on(const media::AccessUnit& unit, bool broken) {
    const Flicks dts = dts_of(unit);
    const bool video = is_video(unit);
    const bool another = lead_ && *lead_ != unit.track;
    lead_ = unit.track;
    const bool start = !last_;
    if (start && video && !unit.key) {
        return nullptr;
    }
    const bool discontinuity = pending_ || (!start && (broken || another));
    if (discontinuity) {
        close();
        picture_at_.reset();
        key_at_.reset();
    }
    measure_picture(dts);
    if (video && unit.key) {
        between_ = between_since_key_;
        between_since_key_ = false;
        measure_group(dts);
    }
    if (start || discontinuity) {
        return cut(unit, {pts_of(unit), dts, discontinuity, unit.key});
    }
    const Flicks age = dts - last_->dts;
    if (age > longest()) {
        return bridge_hole(unit);
    }
    const Flicks slack = video ? std::min(picture_, flicks(picture_slack_max)) : 0;
    // After a cut between pictures the next key frame makes segments independent again, whatever the age. So
    // does a short group's end, where a group as long as usual would not fit in with it.
    if (unit.key && (age >= flicks(segment_) - slack || !last_->independent || age + group_ > longest())) {
        return cut(unit, {pts_of(unit), dts, false, true});
    }
    if (age + picture_ > longest()) {
        between_since_key_ = between_since_key_ || !unit.key;
        return cut(unit, {pts_of(unit), dts, false, unit.key});
    }
    return nullptr;
}

media::CutRef Cutter::bridge_hole(const media::AccessUnit& unit) {
    // No picture came for longer than a segment may be. Where audio may have gone on meanwhile, the segment
    // ends in time for it; longer holes have been cut by the audio, or had none.
    const Flicks age = dts_of(unit) - last_->dts;
    const bool with_audio = target_ > 0 && age <= longest() + flicks(tracks_apart);
    const Flicks early = last_->time + target_ * flicks_a_second;
    return with_audio ? cut(unit, {early, last_->dts + early - last_->time, true, unit.key})
                      : cut(unit, {pts_of(unit), dts_of(unit), true, unit.key});
}

void Cutter::measure_picture(Flicks dts) {
    if (picture_at_) {
        picture_ = std::max(dts - *picture_at_, picture_ - picture_ / 16);
        picture_ = std::min(picture_, flicks_a_second);
    }
    picture_at_ = dts;
}

void Cutter::measure_group(Flicks dts) {
    if (key_at_) {
        group_ = std::max(dts - *key_at_, group_ - group_ / 16);
    }
    key_at_ = dts;
}

Flicks Cutter::longest() const {
    return target_ > 0 ? target_ * flicks_a_second + flicks(over_target)
                       : std::max(flicks(first_max), 2 * flicks(segment_));
}

void Cutter::fix_target(Flicks duration) {
    if (target_ == 0) {
        const Flicks picture = std::min(picture_, flicks(picture_slack_max));
        target_ = std::max(whole_seconds_up(flicks(segment_)), whole_seconds_up(duration - picture));
    }
}

WallTime Cutter::utc_at(const media::AccessUnit& unit, Flicks time) {
    const auto microseconds = [](Flicks span) { return media::rescale(span, flicks_a_second, 1'000'000); };
    const std::int64_t own = unit.capture.utc.microseconds - microseconds(pts_of(unit) - time);
    if (unit.capture.label != media::CaptureTime::Label::arrival) {
        return {own};
    }
    constexpr std::int64_t slack = std::chrono::duration_cast<std::chrono::microseconds>(utc_slack).count();
    const std::int64_t run = microseconds(time);
    if (!utc_offset_ || std::abs(run + *utc_offset_ - own) > slack) {
        utc_offset_ = own - run;
    }
    return {run + *utc_offset_};
}

media::CutRef Cutter::cut(const media::AccessUnit& unit, const Begin& begin) {
    if (last_) {
        fix_target(std::min(begin.dts - last_->dts, longest()));
    }
    opening_ = std::exchange(newcomer_, false);
    discontinuities_ += begin.discontinuity ? 1 : 0;
    const std::int64_t timescale = unit.config->timescale;
    const bool own = begin.time == pts_of(unit);
    auto made = std::make_shared<const media::Cut>(
        media::Cut{.number = next_number_++,
                   .discontinuity_sequence = discontinuities_,
                   .discontinuity = begin.discontinuity,
                   .independent = begin.independent,
                   .time = own ? unit.pts : media::rescale(begin.time, flicks_a_second, timescale),
                   .timescale = timescale,
                   .utc = utc_at(unit, begin.time)});
    pending_ = false;
    for (Seen& seen : tracks_) {
        seen.in_segment = seen.held > 0 || (seen.config != nullptr && seen.newest >= begin.time);
        seen.held -= seen.held > 0 ? 1 : 0;
        pending_ = pending_ || seen.held > 0;
    }
    last_ = begin;
    broken_at_.reset();
    return made;
}

media::CutRef Cutter::adopt(const media::AccessUnit& unit, const media::Cut& given, bool whole) {
    constexpr std::int64_t timescale_max = flicks_a_second;
    if (given.timescale <= 0 || given.timescale > timescale_max) {
        return nullptr;
    }
    const std::int64_t most = Timeline::run_max_seconds * given.timescale;
    if (given.time < -most || given.time > most) {
        return nullptr;
    }
    const Flicks time = flicks(given.time, given.timescale);
    const bool follows = given.number >= next_number_ && given.number < numbers_max &&
                         given.discontinuity_sequence >= discontinuities_ &&
                         given.discontinuity_sequence - discontinuities_ <= given_discontinuities &&
                         (!last_ || time > last_->time);
    if (!follows || std::abs(time - pts_of(unit)) > flicks(given_apart)) {
        return nullptr;
    }
    if (last_ && whole && given.number == next_number_) {
        // As at its own node, but for the picture that one knows of.
        fix_target(std::min(time - last_->time, longest()) - flicks(picture_slack_max));
    }
    next_number_ = given.number + 1;
    discontinuities_ = given.discontinuity_sequence;
    last_ = Begin{time, dts_of(unit), given.discontinuity, given.independent};
    newcomer_ = false;
    opening_ = false;
    pending_ = false;
    broken_at_.reset();
    return std::make_shared<const media::Cut>(given);
}

}   // namespace millrace::hub
