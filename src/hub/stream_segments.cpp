#include "base/log.hpp"
#include "hub/directory.hpp"
#include "hub/stream.hpp"

#include <algorithm>

// The segments of a stream: who asks for them, and how long they outlive their publisher.

namespace millrace::hub {

namespace {

/// Units that are looked through for what belongs to a segment though it came before its cut.
constexpr std::size_t ahead_max = 256;

}   // namespace

std::string Stream::run_name() const {
    return run_.text();
}

void Stream::begin_run(RunId run, Instant now) {
    recording_.reset();
    run_ = run;
    cutter_.open_run(run_.started);
    timeline_ = Timeline{};
    feed_.clear();
    cut_before_.reset();
    lists_ended_ = false;
    for (auto& [key, packaged] : packaged_) {
        packaged->restart(run_name(), now);
    }
}

void Stream::follow(RunId run) {
    if (run != run_) {
        // Times begin anew, so whoever takes an endless form gets its end and comes again.
        const Instant now = handle_.home->now();
        end_forms(now);
        // Its numbers are behind those of a run that we would have opened now.
        cutter_ = Cutter{settings_.segment};
        begin_run(run, now);
    }
    follows_ = true;
    tear_segments();
}

bool Stream::place(media::AccessUnit& unit, Instant arrival) {
    if (follows_) {
        // Behind an outage its times jump.
        const bool first = unit.kind() == media::Kind::video && key_picture_ == nullptr;
        unit.discontinuity = unit.discontinuity || (first && feed_.end() > feed_.begin());
        return timeline_.keep(unit, arrival);
    }
    timeline_.place(unit, arrival);
    return true;
}

media::CutRef Stream::cut_at(const media::AccessUnit& unit, Instant arrival) {
    const std::optional<GivenCut> given = std::exchange(given_cut_, std::nullopt);
    if (follows_ && !given) {
        return nullptr;
    }
    media::CutRef cut = follows_ ? given_cut_at(unit, *given) : nullptr;
    if (!follows_) {
        if (const auto last = cutter_.is_new() ? directory_.last_numbers().of(name_) : std::nullopt) {
            cutter_.begin_behind(*last);
        }
        cut = cutter_.consider(unit, cutting_kind(arrival));
    }
    if (cut != nullptr) {
        directory_.last_numbers().note(name_, cut->number);
    }
    return cut;
}

media::CutRef Stream::given_cut_at(const media::AccessUnit& unit, const GivenCut& given) {
    const bool torn = std::exchange(torn_, false);
    const bool whole = given.whole && !torn;
    if (!whole) {
        tear_segments();
    }
    media::CutRef cut = cutter_.adopt(unit, given.cut, whole);
    if (cut == nullptr) {
        log::warning("hub",
                     "{}: segment {} of its publisher's run cannot follow the one before: it is cut here",
                     name_, given.cut.number);
        follows_ = false;
    }
    return cut;
}

void Stream::tear_segments() {
    for (auto& [key, packaged] : packaged_) {
        packaged->tear(handle_.home->now());
    }
    // Who begins to package now finds nothing of what is torn.
    feed_.keep_from(feed_.end());
    cut_before_.reset();
}

std::optional<media::Kind> Stream::cutting_kind(Instant arrival) const {
    if (std::ranges::find(tracks_, media::Kind::video, &media::Track::kind) != tracks_.end()) {
        return media::Kind::video;
    }
    // A publisher that names no tracks may yet bring pictures.
    const bool known = ready_ && (announced_ || arrival - first_media_ >= tracks_wait);
    return known ? std::optional{media::Kind::audio} : std::nullopt;
}

void Stream::keep_segment(const media::Cut& cut) {
    const Flicks time = flicks(cut.time, cut.timescale);
    const std::uint64_t place = feed_.earliest_of_last(ahead_max, [&](const media::AccessUnit& unit) {
        return unit.cut.get() == &cut ||
               (unit.kind() != media::Kind::video && flicks(unit.pts, unit.config->timescale) >= time);
    });
    feed_.keep_from(cut_before_.value_or(place));
    cut_before_ = place;
}

Result<PollingViewers::Tally> Stream::admit_polling(const SegmentAsk& ask) {
    if (!polling_) {
        Sessions* const sessions = directory_.sessions_of(*handle_.home);
        if (sessions == nullptr) {
            return PollingViewers::Tally{};
        }
        polling_.emplace(*handle_.home, *sessions);
    }
    polling_->set_patience(3 * target_duration());
    return polling_->seen(ask, name_);
}

Result<Packaged*> Stream::packaged_for(const SegmentFlavour& flavour) {
    if (const auto found = packaged_.find(flavour.key); found != packaged_.end()) {
        return found->second.get();
    }
    if (over_at_) {
        return fail(Errc::not_found, "this stream ended");
    }
    std::unique_ptr<Packaged> made = flavour.make();
    made->begin({.feed = feed_,
                 .cutter = cutter_,
                 .tracks = tracks_,
                 .window = settings_.window,
                 .wait = std::max(segments_wait, 3 * settings_.segment)},
                run_name(), handle_.home->now());
    if (ready_ && !made->carries_any()) {
        return std::unexpected(nothing_carried);
    }
    return packaged_.emplace(flavour.key, std::move(made)).first->second.get();
}

void Stream::list(const SegmentAsk& ask, Reply<SegmentListRef> reply) {
    const Instant now = handle_.home->now();
    const bool newcomer = !is_read_by(ask.viewer_key);
    const Result<PollingViewers::Tally> viewer = admit_polling(ask);
    if (!viewer) {
        reply.give(std::unexpected(viewer.error()));
        return;
    }
    if (newcomer && !over_at_) {
        call_source();
    }
    const Result<Packaged*> packaged = packaged_for(ask.flavour);
    if (!packaged) {
        reply.give(std::unexpected(packaged.error()));
        return;
    }
    listed_at_ = now;
    if (ask.seat != nullptr) {
        *ask.seat = {(*packaged)->board(), *viewer};
    }
    (*packaged)->list(std::move(reply), now);
    set_alarm();
}

void Stream::fetch(const SegmentAsk& ask, const std::string& part_name, Reply<media::SegmentPart> reply) {
    const auto packaged = packaged_.find(ask.flavour.key);
    if (packaged == packaged_.end()) {
        reply.give(fail(Errc::not_found, "no such segment, or no longer"));
        return;
    }
    const Result<PollingViewers::Tally> viewer = admit_polling(ask);
    if (!viewer) {
        reply.give(std::unexpected(viewer.error()));
        return;
    }
    if (ask.seat != nullptr) {
        *ask.seat = {packaged->second->board(), *viewer};
    }
    reply.give(packaged->second->fetch(part_name, handle_.home->now()));
}

std::optional<Instant> Stream::listed_at() const {
    std::optional<Instant> last = listed_at_;
    for (const auto& [key, packaged] : packaged_) {
        last = last ? std::max(*last, packaged->board()->listed()) : last;   // workers come behind the first
    }
    return last;
}

Duration Stream::target_duration() const {
    const std::int64_t target = cutter_.target_duration();
    return target > 0 ? target * Duration{1s} : settings_.segment;
}

void Stream::close_segments(Instant now) {
    cutter_.close();
    for (auto& [key, packaged] : packaged_) {
        packaged->unpublished(now);
    }
}

void Stream::end_lists(Instant now) {
    cutter_.close();
    for (auto& [key, packaged] : packaged_) {
        packaged->end(now);
    }
    lists_ended_ = true;
}

Duration Stream::finish() {
    const Instant now = handle_.home->now();
    for (Knock& knock : std::exchange(knocks_, {})) {
        knock.reply.give(fail(Errc::refused, "this node stops"));
    }
    if (recording_) {
        recording_->pause("node stopped");
    }
    if (publisher_) {
        publisher_->session.end({Errc::cancelled, "this node stops"});
        unpublish(publisher_->id, true);
    }
    if (!over_at_) {
        end_push();
    }
    if (!lists_ended_) {
        end_lists(now);
        tend_segments({now, handle_.home->clock().utc()});
    }
    set_alarm();
    const std::optional<Instant> listed = listed_at();
    return !packaged_.empty() && listed && now < *listed + lists_linger ? target_duration() : Duration{};
}

void Stream::tend_segments(const Arrival& arrival) {
    const Instant now = arrival.at;
    if (over_at_ && !lists_ended_ && now >= *over_at_ + target_duration()) {
        end_lists(now);
    }
    for (auto& [key, packaged] : packaged_) {
        packaged->pump(now, publishers_time(arrival.utc));
        packaged->advance(now);
    }
    if (!settings_.always_packaged && !over_at_) {
        std::erase_if(packaged_, [now](const auto& one) { return one.second->idle(now); });
    }
}

Instant Stream::segments_deadline() const {
    Instant next = Instant::never();
    for (const auto& [key, packaged] : packaged_) {
        next = std::min(next, packaged->deadline());
        if (!settings_.always_packaged && !over_at_) {
            next = std::min(next, packaged->idle_at());
        }
    }
    if (over_at_) {
        const std::optional<Instant> listed = listed_at();
        next = std::min(next, listed ? *listed + lists_linger : *over_at_);
        if (!lists_ended_) {
            next = std::min(next, *over_at_ + target_duration());
        }
    }
    return next;
}

}   // namespace millrace::hub
