#include "base/log.hpp"
#include "hub/directory.hpp"
#include "hub/stream.hpp"

#include <algorithm>

// The publisher's side of a stream: who may publish it, and what becomes of the media.

namespace millrace::hub {

bool Stream::may_take_over(const Identity& newcomer) const {
    // Credential 0 is anyone's: it makes nobody the same as somebody else.
    return settings_.takeover && publisher_ && newcomer.credential != 0 && newcomer == publisher_->facts.who;
}

void Stream::replace_publisher(std::string_view why) {
    log::warning("hub", "{}: its publisher {} is replaced: {}", name_, publisher_->facts.peer.text(), why);
    tell_publisher("left", fmt::format("is replaced: {}", why));
    publisher_->session.end({Errc::cancelled, why});
    publisher_.reset();
}

void Stream::offer(SessionFacts facts, SessionRef session, Reply<Grant> reply) {
    const Settings now = directory_.settings_of(name_);
    settings_.grace = now.grace;
    settings_.idle = now.idle;
    settings_.takeover = now.takeover;
    settings_.qp_band = now.qp_band;
    settings_.record = now.record;
    if (may_take_over(facts.who)) {
        replace_publisher("another one with its credential took over");
    }
    if (!publisher_) {
        grant(std::move(facts), session, std::move(reply));
        return;
    }
    if (knocks_.size() >= knocks_max) {
        reply.give(fail(Errc::exists, "this stream is already being published"));
        return;
    }
    knocks_.push_back({std::move(facts), session, std::move(reply), handle_.home->now()});
    consider_knocks();
}

void Stream::grant(SessionFacts facts, SessionRef session, Reply<Grant> reply) {
    const Instant now = handle_.home->now();
    if (publications_ == 0 || lists_ended_) {
        begin_run(directory_.new_run(handle_.home->clock().utc()), now);
    } else {
        timeline_.restart();
        cutter_.change_publisher();
    }
    over_at_.reset();
    called_at_.reset();
    resting_ = false;
    watched_at_ = now;
    publisher_ = Publisher{++publications_, session, std::move(facts)};
    camera_.reset();
    last_media_ = now;
    first_media_ = Instant::never();
    said_end_ = false;
    ready_ = false;
    announced_ = false;
    tracks_.clear();
    follows_ = false;
    torn_ = false;
    given_cut_.reset();
    key_picture_.reset();
    moments_.clear();
    meter_.restart();
    drift_.restart();
    told_.reset();
    handle_.home->timers().arm(second_, now + judged_every);
    tell_publisher("joined", fmt::format("came by {}", publisher_->facts.protocol));
    tell_state();
    log::info("hub", "{} is published by {} {}", name_, publisher_->facts.protocol,
              publisher_->facts.peer.text());
    reply.give(Grant{handle_, publisher_->id});
    set_alarm();
}

void Stream::consider_knocks() {
    const Instant now = handle_.home->now();
    const bool dead = publisher_ && now - last_media_ >= dead_after;
    if (dead && !knocks_.empty()) {
        replace_publisher("no media came for 3 s, and another one knocked");
    }
    if (!publisher_ && !knocks_.empty()) {
        Knock first = std::move(knocks_.front());
        knocks_.erase(knocks_.begin());
        grant(std::move(first.facts), first.session, std::move(first.reply));
    }
    // Media that came after a knock proves the publisher alive.
    std::erase_if(knocks_, [this](Knock& knock) {
        const bool refused = last_media_ > knock.at;
        if (refused) {
            knock.reply.give(fail(Errc::exists, "this stream is already being published"));
        }
        return refused;
    });
    set_alarm();
}

void Stream::unpublish(std::uint64_t publication, bool said) {
    if (!publisher_ || publisher_->id != publication) {
        return;
    }
    const Instant now = handle_.home->now();
    log::info("hub", "{}: publisher {} {}", name_, publisher_->facts.peer.text(),
              said ? "ended" : "was lost");
    tell_publisher("left", said ? "ended" : "was lost");
    publisher_.reset();
    tell(verdicts_.end());
    said_end_ = said;
    left_at_ = now;
    tell_state();
    if (recording_) {
        recording_->pause("publisher gone");
    }
    for (auto& [key, derived] : derived_) {
        if (!said) {
            derived->lost(now);
        } else if (!key.pictures) {
            derived->unpublished(now);
        }
    }
    if (said) {
        handle_.home->timers().arm(pictures_end_, now + pictures_lag);
        close_segments(now);
    }
    consider_knocks();
    if (said && !publisher_ && !called_at_) {
        for (const Opening& opening : std::exchange(openings_, {})) {
            opening.mirror.opened(fail(Errc::not_found, "this stream is offline"));
        }
        refuse_key_waiters({Errc::not_found, "this stream is offline"});
    }
}

void Stream::append(std::uint64_t publication, Batch& batch) {
    if (!publisher_ || publisher_->id != publication) {
        return;
    }
    const Arrival arrival{batch.arrival, handle_.home->clock().utc()};
    meter_.count_received(batch.bytes_received, batch.arrival);
    meter_.count_packets(batch.packets.lost, batch.packets.late);
    meter_.count_chunks(batch.chunks);
    meter_.count_unusable(batch.dropped);
    camera_ = batch.camera ? batch.camera : camera_;
    // KLV of no bytes says that there will be some, to those who must know beforehand.
    std::erase_if(batch.messages, [this](const media::TimedMessage& one) {
        const bool announces = one.kind == media::TimedMessage::Kind::klv && one.body.empty();
        if (announces) {
            messages_said_.insert(one.kind);
        }
        return announces;
    });
    bool media = false;
    for (PublishedItem& item : batch.items) {
        if (auto* track = std::get_if<media::Track>(&item)) {
            announced_ = true;
            take(std::move(*track));
        } else if (const auto* const run = std::get_if<RunId>(&item)) {
            follow(*run);
        } else if (const auto* const cut = std::get_if<GivenCut>(&item)) {
            given_cut_ = *cut;
        } else {
            media = true;
            take(std::move(std::get<media::AccessUnit>(item)), arrival);
        }
    }
    if (media) {
        last_media_ = batch.arrival;
        if (told_ == StreamState::stale) {
            tell_state();
        }
    }
    if (!ready_ && first_media_ != Instant::never() && all_configured()) {
        become_ready();
    }
    if (ready_) {
        for (const auto& [wish, pictures] : pictures_) {
            pictures->pump();
        }
        for (auto& [key, derived] : derived_) {
            derived->pump(batch.arrival, publishers_time(arrival.utc));
        }
        drop_finished();
        if (recording_) {
            recording_->pump(batch.arrival);
        }
    }
    for (media::TimedMessage& message : batch.messages) {
        // Who publishes hears no answer; it is counted.
        [[maybe_unused]] const Result<> said = say(message);
    }
    tend_segments(arrival);
    feed_.trim(batch.arrival);
    if (!knocks_.empty()) {
        consider_knocks();
    }
}

void Stream::take(media::Track track) {
    auto known = std::ranges::find(tracks_, track.id, &media::Track::id);
    if (known != tracks_.end()) {
        if (track.config != nullptr) {
            *known = std::move(track);
        }
    } else if (tracks_.size() < tracks_max && track.id < tracks_max) {
        tracks_.push_back(std::move(track));
    }
}

void Stream::learn_config(const media::AccessUnit& unit) {
    const auto known = std::ranges::find(tracks_, unit.track, &media::Track::id);
    if (known == tracks_.end() || known->config != unit.config) {
        take(media::Track{.id = unit.track, .kind = unit.kind(), .config = unit.config});
    }
}

void Stream::take(media::AccessUnit unit, const Arrival& arrival) {
    if (unit.config == nullptr || unit.track >= tracks_max) {
        torn_ = true;
        meter_.count_unusable(1);
        return;
    }
    learn_config(unit);
    const bool video = unit.kind() == media::Kind::video;
    if (video && !publisher_->seen_key && !unit.key) {
        torn_ = true;
        meter_.count_early();
        return;
    }
    publisher_->seen_key = publisher_->seen_key || (video && unit.key);
    if (first_media_ == Instant::never()) {
        first_media_ = arrival.at;
        set_alarm();
    }
    const std::int64_t said_pts = unit.pts;
    if (!place(unit, arrival.at)) {
        torn_ = true;
        meter_.count_unusable(1);
        return;
    }
    if (video || !has_video()) {
        source_shift_ = media::rescale_nearest(unit.pts - said_pts, unit.config->timescale,
                                               media::TimedMessage::timescale);
    }
    if (unit.capture.utc.microseconds == 0) {
        unit.capture = {arrival.utc, media::CaptureTime::Label::arrival};
    }
    if (video || !has_video()) {
        moments_.note(unit);
    }
    measure(unit, arrival);
    unit.cut = cut_at(unit, arrival.at);
    meter_.count(unit, arrival.at);
    const bool entrance = unit.key && (video || !has_video());
    const std::size_t bytes = unit.payload.size();
    const media::CutRef cut = unit.cut;
    const auto kept = std::make_shared<const media::AccessUnit>(std::move(unit));
    if (entrance && video) {
        key_picture_ = kept;
        show_key_frame();
    }
    feed_.append(kept, bytes, entrance, arrival.at);
    if (cut != nullptr) {
        keep_segment(*cut);
    }
}

void Stream::drop_finished() {
    if (std::erase_if(derived_, [](const auto& entry) { return entry.second->over(); }) > 0) {
        drop_unread_pictures();
    }
}

bool Stream::has_video() const {
    return std::ranges::any_of(tracks_, [](const media::Track& track) {
        return track.kind == media::Kind::video && track.config != nullptr;
    });
}

bool Stream::all_configured() const {
    return std::ranges::all_of(tracks_, [](const media::Track& track) { return track.config != nullptr; });
}

void Stream::tend_recording() {
    Recordings* const recordings = directory_.recordings();
    // What an edge records comes from its archive: to write it here as well would keep it twice.
    const RecordingWish wish = publisher_ && publisher_->facts.sends_log ? RecordingWish{} : settings_.record;
    if (!wish.any() || recordings == nullptr) {
        recording_.reset();
    } else if (recording_ != nullptr) {
        recording_->wish(wish);
    } else if (ready_) {
        recording_ = recordings->begin({.stream = name_,
                                        .run = run_name(),
                                        .feed = feed_,
                                        .tracks = tracks_,
                                        .home = *handle_.home,
                                        .wish = wish});
    }
}

void Stream::become_ready() {
    ready_ = true;
    tend_recording();
    tell_state();
    for (const auto& [wish, pictures] : pictures_) {
        pictures->renew(tracks_);
    }
    for (auto& [key, derived] : derived_) {
        if (!key.pictures) {
            derived->renew(tracks_, handle_.home->now());
        }
    }
    drop_finished();
    for (const Opening& opening : std::exchange(openings_, {})) {
        start(opening);
    }
    if (!has_video()) {
        refuse_key_waiters({Errc::unsupported, "this stream has no pictures"});
    }
    std::erase_if(packaged_, [](const auto& entry) {
        const bool useless = entry.second->memory() == 0 && !entry.second->carries_any();
        if (useless) {
            entry.second->refuse_parked(nothing_carried);
        }
        return useless;
    });
}

}   // namespace millrace::hub
