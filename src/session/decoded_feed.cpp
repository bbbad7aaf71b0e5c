#include "session/decoded_feed.hpp"

namespace millrace::session {

DecodedFeed::DecodedFeed(Executor& home, Spawner& spawner, ChildOrder order, Listener& listener)
    : home_{home}, listener_{listener}, child_{home, spawner, std::move(order), *this} {
    listener_.on_feed(this);
}

DecodedFeed::~DecodedFeed() {
    listener_.on_feed(nullptr);
}

bool DecodedFeed::takes(const media::Track& track) const {
    if (track.config == nullptr) {
        return false;
    }
    return track.kind != media::Kind::data;
}

Result<> DecodedFeed::begin(const hub::MediaFeed& feed, std::span<const media::Track> tracks,
                            Instant /*now*/) {
    const bool some = std::ranges::any_of(tracks, [this](const media::Track& track) { return takes(track); });
    if (!some) {
        return fail(Errc::unsupported, "nothing of this stream can be decoded here");
    }
    feed_ = &feed;
    cursor_.emplace(feed);
    return {};
}

/// A child begins with the newest key frame, whatever the one before had, also where that was the last one.
void DecodedFeed::on_ready() {
    const std::string_view ended = ended_;
    ready_ = true;
    awaits_key_ = true;
    listener_.on_child();
    cursor_.emplace(*feed_);
    write_new(home_.now());
    if (!ended.empty()) {
        end_soon(ended);
    }
}

void DecodedFeed::write_new(Instant /*now*/) {
    if (!ready_) {
        begin_anew();
    }
    while (ready_) {
        const media::AccessUnitRef unit = cursor_->next();
        if (unit == nullptr) {
            return;
        }
        offer(*unit);
    }
}

void DecodedFeed::offer(const media::AccessUnit& unit) {
    if (!takes({.id = unit.track, .kind = unit.kind(), .config = unit.config})) {
        return;
    }
    count(unit);
    begin_anew();
    if (unit.kind() != media::Kind::video) {
        [[maybe_unused]] const bool taken = child_.offer(unit);
        return;
    }
    ++received_;
    picture_track_ = unit.track;
    awaits_key_ = (awaits_key_ && !unit.key) || !child_.offer(unit);
    skipped_ += awaits_key_ ? 1 : 0;
}

/// A unit came: whatever ended, there is more.
void DecodedFeed::begin_anew() {
    if (!ended_.empty()) {
        ended_ = {};
        shown_ = false;
        past_end_ = false;
    }
}

void DecodedFeed::on_message(media_link::Message message) {
    if (std::holds_alternative<media_link::Picture>(message) && !past_end_) {
        const bool first = std::exchange(dark_, false);
        shown_ = true;
        if (ended_.empty()) {
            home_.timers().arm(silence_, home_.now() + silent_after);
        } else if (first) {
            home_.timers().arm(silence_, home_.now() + last_pictures);   // so short was all of it
        }
    }
    listener_.on_said(std::move(message));
}

void DecodedFeed::fall_silent() {
    if (!std::exchange(dark_, true)) {
        past_end_ = !ended_.empty();
        listener_.on_dark(ended_.empty() ? "nothing comes from the stream" : ended_);
    }
}

void DecodedFeed::end_soon(std::string_view why) {
    ended_ = why;
    past_end_ = dark_ && shown_;
    if (picture_track_) {
        // A track that is not configured any more: pictures inside the decoder come out.
        [[maybe_unused]] const bool said =
            child_.say(media::Track{.id = *picture_track_, .kind = media::Kind::video});
        awaits_key_ = true;
    }
    home_.timers().arm(silence_, home_.now() + last_pictures);
}

void DecodedFeed::unpublished(Instant /*now*/) {
    end_soon("the sender ended the stream");
}

void DecodedFeed::lost(Instant /*now*/) {
    end_soon("the sender was lost");
}

void DecodedFeed::end(Instant /*now*/) {
    ended_ = "the stream is over";
    fall_silent();
    log_.end();
    tell();
}

}   // namespace millrace::session
