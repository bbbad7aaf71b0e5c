#include "archive/recorder.hpp"

#include "base/log.hpp"
#include "container/mp4_event.hpp"
#include "container/mp4_init.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::archive {

namespace {

constexpr std::int64_t microseconds = 1'000'000;

bool is_kept(const media::AccessUnit& unit) {
    return mp4::carries({.id = unit.track, .kind = unit.kind(), .language = {}, .config = unit.config});
}

/// A publisher that comes back says its coding anew: units of it need no other file for that.
bool is_same(const media::ConfigRef& one, const media::ConfigRef& other) {
    return one == other || (one != nullptr && other != nullptr && one->same_coding(*other));
}

}   // namespace

Recorder::Recorder(const hub::RecordingSource& source, GiveBatch give)
    : source_{source}, wish_{source.wish}, give_{std::move(give)}, reservation_{source.feed} {
    // The reservation begins with a key frame; sound of its time may lie in front of it.
    hub::MediaFeed::Cursor before{source.feed, source.feed.kept_from()};
    const std::uint64_t end = source.feed.newest_entrance().value_or(source.feed.end());
    for (std::uint64_t place = source.feed.kept_from(); place < end; ++place) {
        if (const media::AccessUnitRef unit = before.next()) {
            keep_early(unit, ahead_max);
        }
    }
    source_.home.timers().arm(*this, source_.home.now() + look_every);
}

void Recorder::keep_early(const media::AccessUnitRef& unit, std::size_t count_max) {
    if (unit->kind() == media::Kind::audio && unit->track < configs_.size()) {
        early_.push_back(unit);
    }
    if (early_.size() > count_max) {
        early_.erase(early_.begin());
    }
}

void Recorder::take_early(const media::Cut* cut) {
    const std::int64_t begin =
        cut == nullptr ? INT64_MIN : media::rescale(cut->time, cut->timescale, microseconds);
    for (const media::AccessUnitRef& early : std::exchange(early_, {})) {
        if (!file_has(*early)) {
            keep_early(early, early_max);
        } else if (media::rescale(early->pts, early->config->timescale, microseconds) >= begin) {
            chunker_.take(early);
        }
    }
}

Recorder::~Recorder() {
    pause(cause::switched_off);
}

void Recorder::on_time() {
    const Instant now = source_.home.now();
    pump(now);
    chunker_.finish_quiet();
    gather();
    send(false);
    source_.home.timers().arm(*this, now + look_every);
}

void Recorder::heed_trouble(Instant now) {
    const Progress::Trouble trouble = progress_->trouble.exchange(Progress::Trouble::none);
    if (trouble == Progress::Trouble::none) {
        return;
    }
    retry_at_ = now + retry_after;
    give_up(trouble == Progress::Trouble::full ? cause::disk_full : cause::disk_failed);
}

void Recorder::give_up(std::string_view cause) {
    cause_ = cause;
    trouble_ = cause;
    open_ = false;
    chunker_ = Chunker{};
    early_.clear();
    results_.clear();
    items_.clear();
    items_bytes_ = 0;
}

void Recorder::hold(Instant now) {
    early_.clear();
    reservation_.let_go(
        now - wish_.before - command_within, ahead_max,
        [](const media::AccessUnit& unit) { return unit.cut != nullptr; },
        [this](const media::AccessUnit& unit) { learn(unit); });
}

void Recorder::wish(const hub::RecordingWish& wish) {
    if (wish_.now && !wish.now) {
        pause(cause::switched_off);
    }
    wish_ = wish;
}

void Recorder::pump(Instant now) {
    heed_trouble(now);
    if (!wish_.now) {
        hold(now);
        return;
    }
    while (progress_->bytes_under_way + items_bytes_ < under_way_max) {
        const media::AccessUnitRef unit = reservation_.next();
        if (reservation_.lost() != lost_) {
            log::warning("archive", "{}: the disk is too slow: {} units are lost", source_.stream,
                         reservation_.lost() - lost_);
            lost_ = reservation_.lost();
            end_file(cause::disk_slow);
            cause_ = cause::disk_slow;
        }
        if (unit == nullptr) {
            break;
        }
        take(unit, now);
        gather();
    }
    send(false);
}

bool Recorder::file_has(const media::AccessUnit& unit) const {
    return is_same(in_file_[unit.track], unit.config);
}

void Recorder::learn(const media::AccessUnit& unit) {
    if (unit.track < configs_.size()) {
        configs_[unit.track] = unit.config;
    }
    if (unit.cut != nullptr) {
        clock_.learn(media::rescale(unit.cut->time, unit.cut->timescale, microseconds), unit.cut->utc);
    }
}

void Recorder::take(const media::AccessUnitRef& unit, Instant now) {
    if (unit->track >= configs_.size()) {
        return;
    }
    learn(*unit);
    const bool had_gap = !open_;
    if (unit->cut != nullptr) {
        const bool full = file_size_ >= file_size_max || now - file_began_ >= file_duration_max;
        if (open_ && (full || has_changed())) {
            end_file({});
        }
        if (!open_ && now >= retry_at_) {
            begin_file(*unit, now);
        }
    }
    if (!is_kept(*unit)) {
        return;
    }
    if (!open_) {
        keep_early(unit, ahead_max);
        return;
    }
    if (!file_has(*unit)) {
        keep_early(unit, early_max);
        return;
    }
    chunker_.take(unit);
    take_early(had_gap ? unit->cut.get() : nullptr);
}

bool Recorder::has_changed() const {
    for (std::size_t track = 0; track < configs_.size(); ++track) {
        const media::ConfigRef& now = configs_[track];
        if (now != nullptr && !is_same(now, in_file_[track]) &&
            mp4::carries({.kind = media::kind_of(now->codec), .language = {}, .config = now})) {
            return true;
        }
    }
    return false;
}

void Recorder::begin_file(const media::AccessUnit& unit, Instant now) {
    std::vector<media::Track> tracks;
    in_file_ = {};
    for (media::Track track : source_.tracks) {
        if (track.id >= configs_.size()) {
            continue;
        }
        // The feed may be behind the table: what the units say counts.
        track.config = configs_[track.id] != nullptr ? configs_[track.id] : track.config;
        if (track.config != nullptr && mp4::carries(track)) {
            in_file_[track.id] = track.config;
            tracks.push_back(std::move(track));
        }
    }
    if (!file_has(unit)) {
        return;
    }
    BeginFile file{.facts = {.stream = source_.stream,
                             .run = source_.run,
                             .codecs = media::codec_list(tracks),
                             .cause = std::exchange(cause_, {})},
                   .init = mp4::init_segment(tracks, mp4::ParameterSets::in_entry)};
    items_.emplace_back(std::move(file));
    open_ = true;
    file_size_ = 0;
    file_began_ = now;
    trouble_.clear();
}

void Recorder::end_file(std::string_view cause) {
    if (!open_) {
        return;
    }
    chunker_.finish();
    gather();
    put_results(newest_);
    chunker_ = Chunker{};
    items_.emplace_back(EndFile{std::string{cause}});
    open_ = false;
}

void Recorder::gather() {
    while (std::optional<CutChunk> made = chunker_.next()) {
        const std::int64_t timescale = made->track.config->timescale;
        const media::Cut& cut = *made->cut;
        const std::int64_t media_us = made->begins ? media::rescale(cut.time, cut.timescale, microseconds)
                                                   : media::rescale(made->chunk.dts, timescale, microseconds);
        const bool key = made->chunk.key && (!made->begins || cut.independent);
        const auto flags = (made->begins ? RecordHead::begins_fragment : 0) | (key ? RecordHead::key : 0) |
                           (made->begins && cut.discontinuity ? RecordHead::discontinuity : 0);
        const RecordHead head{.track = made->track.id,
                              .flags = static_cast<std::uint8_t>(flags),
                              .fragment = cut.number,
                              .dts = made->chunk.dts,
                              .duration = std::max<std::int64_t>(made->chunk.duration, 0),
                              .timescale = static_cast<std::uint32_t>(timescale),
                              .utc = clock_.at(media_us)};
        // In front of a chunk, so that they stand between two of them, as MP4 has event messages.
        if (!head.begins()) {
            put_results(newest_);
        }
        put(head, std::move(made->chunk.bytes));
        newest_ = head;
    }
}

void Recorder::put(const RecordHead& head, Bytes chunk) {
    items_bytes_ += chunk.size();
    file_size_ += chunk.size();
    items_.emplace_back(PutChunk{head, std::move(chunk)});
}

void Recorder::say(const media::TimedMessage& message) {
    if (!open_ || results_.size() + message.body.size() > results_size_max) {
        return;
    }
    mp4::write_event_head(results_, message, ++results_said_);
    results_.insert(results_.end(), message.body.begin(), message.body.end());
}

void Recorder::put_results(RecordHead behind) {
    if (results_.empty()) {
        return;
    }
    behind.track = results_track;
    behind.flags = 0;
    behind.duration = 0;
    put(behind, Bytes{std::exchange(results_, {})});
}

void Recorder::send(bool last) {
    if (items_.empty() || (progress_->under_way && !last)) {
        return;
    }
    Batch batch{.stream = source_.stream, .items = std::exchange(items_, {}), .progress = progress_};
    const std::size_t bytes = std::exchange(items_bytes_, 0);
    progress_->under_way = true;
    progress_->bytes_under_way += bytes;
    if (!give_(std::move(batch))) {
        progress_->under_way = false;
        progress_->bytes_under_way -= bytes;
        give_up(cause::disk_slow);
    }
}

void Recorder::pause(std::string_view cause) {
    const Instant now = source_.home.now();
    if (!wish_.now) {
        hold(now);   // it is not recorded for another reason
        return;
    }
    pump(now);
    end_file(cause);
    cause_ = cause;
    send(true);
}

hub::RecordingReport Recorder::report() const {
    const std::optional<Instant> since = wish_.now ? std::nullopt : reservation_.unread_since();
    return {.on = wish_.now,
            .under_way = open_,
            .trouble = trouble_,
            .bytes = progress_->bytes,
            .chunks = progress_->acknowledged,
            .waiting = reservation_.unread(),
            .lost = lost_,
            .before = wish_.before,
            .held = since ? source_.home.now() - *since : Duration{},
            .held_bytes = since ? reservation_.unread_bytes() : 0};
}

}   // namespace millrace::archive
