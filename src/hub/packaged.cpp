#include "hub/packaged.hpp"

#include "hub/cutter.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::hub {

void Packaged::begin(const SegmentSource& source, std::string run, Instant now) {
    source_.emplace(source);
    log_.emplace(source.window);
    segmenter_.emplace(std::move(run), source.window / 2);
    cursor_.emplace(source.feed, source.feed.kept_from());
    asked_ = now;
    pump(now);
}

bool Packaged::carries_any() const {
    return std::ranges::any_of(source_->tracks, [this](const media::Track& track) {
        return track.config != nullptr && takes(track);
    });
}

bool Packaged::wants(const media::AccessUnit& unit) {
    Taken& known = taken_[unit.track % taken_.size()];
    if (known.config != unit.config) {
        known = {unit.config,
                 takes({.id = unit.track, .kind = unit.kind(), .language = {}, .config = unit.config})};
    }
    return known.taken;
}

void Packaged::pump(Instant now, WallTime utc) {
    utc_ = utc;
    while (const media::AccessUnitRef unit = cursor_->next()) {
        segmenter_->take(unit, wants(*unit));
    }
    add_complete(now);
}

void Packaged::say(const media::TimedMessage& message) {
    if (!has_words()) {
        return;
    }
    const auto place = std::ranges::upper_bound(messages_, message.pts, {}, &media::TimedMessage::pts);
    messages_.insert(place, message);
    message_bytes_ += message.body.size();
    while (messages_.size() > messages_max || message_bytes_ > message_bytes_max) {
        message_bytes_ -= messages_.front().body.size();
        messages_.pop_front();
    }
}

std::vector<media::TimedMessage> Packaged::take_messages(const media::SegmentUnits& units) {
    constexpr std::int64_t timescale = media::TimedMessage::timescale;
    std::optional<std::int64_t> end;
    for (const media::SegmentTrack& track : units.tracks) {
        end = std::max(end.value_or(INT64_MIN),
                       media::rescale(track.end, track.track.config->timescale, timescale));
    }
    std::vector<media::TimedMessage> taken;
    while (end && !messages_.empty() && messages_.front().pts < *end) {
        message_bytes_ -= messages_.front().body.size();
        taken.push_back(std::move(messages_.front()));
        messages_.pop_front();
    }
    return taken;
}

void Packaged::add_complete(Instant now, bool unpublished) {
    while (std::optional<media::SegmentUnits> units = segmenter_->next()) {
        for (media::SegmentTrack& track : units->tracks) {
            const auto known = std::ranges::find(source_->tracks, track.track.id, &media::Track::id);
            if (known != source_->tracks.end()) {
                track.track.group = known->group;
                track.track.origin = known->origin;
                track.track.language = known->language;
            }
            units_ += track.units.size();
        }
        units->messages = take_messages(*units);
        auto entry = std::make_shared<SegmentEntry>();
        entry->cut = units->cut;
        entry->parts = package(*units);
        entry->lasts = units->lasts;
        entry->unpublished = unpublished && segmenter_->empty();
        const std::int64_t target = source_->cutter.target_duration();
        meter_.count(*units, entry->parts, target);
        count(*units);
        ++segments_;
        log_->add(std::move(entry), {target, meter_.rates(), meter_.frame_rate()}, now);
    }
}

void Packaged::count(const media::SegmentUnits& units) {
    std::optional<WallTime> first;
    for (const media::SegmentTrack& track : units.tracks) {
        const WallTime capture = track.units.front()->capture.utc;
        first = std::min(first.value_or(capture), capture);
    }
    if (first && utc_ != WallTime{}) {
        latency_.count(*first, utc_);
    }
}

void Packaged::unpublished(Instant now) {
    pump(now, utc_);
    segmenter_->end();
    add_complete(now, true);
}

void Packaged::tear(Instant now) {
    pump(now, utc_);
    segmenter_->tear();
}

void Packaged::end(Instant now) {
    segmenter_->end();
    add_complete(now);
    log_->end();
    if (log_->list() == nullptr) {
        log_->refuse_parked({Errc::not_found, "this stream ended"});
    }
}

void Packaged::restart(std::string run, Instant now) {
    segmenter_.emplace(std::move(run), source_->window / 2);
    messages_.clear();
    message_bytes_ = 0;
    cursor_.emplace(source_->feed, source_->feed.end());
    log_->restart(now);
}

void Packaged::list(Reply<SegmentListRef> reply, Instant now) {
    asked_ = now;
    log_->ask(std::move(reply),
              {now + source_->wait, now + source_->cutter.target_duration() * Duration{1s}});
}

Result<media::SegmentPart> Packaged::fetch(const std::string& name, Instant now) {
    asked_ = now;
    return log_->find(name, now);
}

}   // namespace millrace::hub
