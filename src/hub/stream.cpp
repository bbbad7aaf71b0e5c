#include "hub/stream.hpp"

#include "base/log.hpp"
#include "hub/directory.hpp"

#include <algorithm>

namespace millrace::hub {

Stream::Stream(Directory& directory, StreamHandle handle, std::string name, Settings settings)
    : directory_{directory},
      handle_{handle},
      name_{std::move(name)},
      settings_{settings},
      cutter_{settings.segment} {
}

void Stream::open(const Flavour& flavour, MirrorRef mirror) {
    if (!call_source() && (said_end_ || over_at_)) {
        mirror.opened(fail(Errc::not_found, "this stream is offline"));
        return;
    }
    if ((!ready_ || called_at_) && !derived_.contains(flavour.key)) {
        openings_.push_back({flavour, mirror});
        return;
    }
    start({flavour, mirror});
}

void Stream::start(const Opening& opening) {
    const FlavourKey& wanted = opening.flavour.key;
    if (const auto there = derived_.find(wanted); there != derived_.end() && there->second->over()) {
        derived_.erase(there);
    }
    if (!derived_.contains(wanted)) {
        Result<std::unique_ptr<Derived>> begun = begin(opening.flavour);
        if (!begun) {
            opening.mirror.opened(std::unexpected(begun.error()));
            return;
        }
        derived_.emplace(wanted, std::move(*begun));
    }
    derived_.at(wanted)->attach(opening.mirror, handle_);
}

Result<std::unique_ptr<Derived>> Stream::begin(const Flavour& flavour) {
    if (const Result<> room = has_room(flavour.key); !room) {
        return std::unexpected(room.error());
    }
    std::unique_ptr<Derived> derived = flavour.make(*handle_.home);
    for (const media::TimedMessage::Kind kind : messages_said_) {
        derived->expect_messages(kind);
    }
    const Instant now = handle_.home->now();
    if (!flavour.key.pictures) {
        const Result<> begun = derived->begin(feed_, tracks_, now);
        return begun ? Result<std::unique_ptr<Derived>>{std::move(derived)} : std::unexpected(begun.error());
    }
    const Result<RenderedPictures*> pictures = pictures_for(flavour);
    if (!pictures) {
        return std::unexpected(pictures.error());
    }
    const Result<> begun = derived->begin((*pictures)->feed(), (*pictures)->tracks(), now);
    if (!begun) {
        drop_unread_pictures();
        return std::unexpected(begun.error());
    }
    return derived;
}

void Stream::close(const FlavourKey& key, const MirrorRef& mirror) {
    const auto derived = derived_.find(key);
    if (derived == derived_.end()) {
        return;
    }
    derived->second->detach(mirror);
    if (derived->second->watched()) {
        return;
    }
    derived_.erase(derived);
    if (key.pictures) {
        leave_pictures(*key.pictures);
    }
}

Result<> Stream::has_room(const FlavourKey& wanted) const {
    if (wanted.pictures) {
        return has_room_for(*wanted.pictures);
    }
    const auto has_plan = [](const auto& entry) { return entry.first.plan != 0; };
    if (wanted.plan != 0 && std::ranges::count_if(derived_, has_plan) >= std::ptrdiff_t{plans_max}) {
        return fail(Errc::exhausted, "players of this stream use as many choices of channels as it takes");
    }
    return {};
}

void Stream::ask(Ask ask) {
    if (!publisher_) {
        return;
    }
    const Instant now = handle_.home->now();
    if (std::holds_alternative<AskKeyFrame>(ask)) {
        if (last_key_ask_ && now - *last_key_ask_ < 1s) {
            return;
        }
        last_key_ask_ = now;
    }
    publisher_->session.ask(ask);
}

void Stream::key_frame(KeyFrameAsk ask, Reply<KeyFrame> reply) {
    const bool waits = ask == KeyFrameAsk::wait;
    const bool comes = waits ? call_source() : publisher_.has_value();
    const bool begins = waits && called_at_;
    if (!comes && (said_end_ || over_at_)) {
        reply.give(fail(Errc::not_found, "this stream is offline"));
    } else if (key_picture_ != nullptr && !begins) {
        reply.give(KeyFrame{key_picture_, run_name()});
    } else if (ready_ && !has_video() && !begins) {
        reply.give(fail(Errc::unsupported, "this stream has no pictures"));
    } else if (!waits) {
        reply.give(fail(Errc::not_found, "this stream has shown no picture yet"));
    } else if (key_waiters_.size() >= key_waiters_max) {
        reply.give(fail(Errc::exhausted, "too many wait for this stream's first picture"));
    } else {
        key_waiters_.push_back({std::move(reply), handle_.home->now()});
        this->ask(AskKeyFrame{});
    }
}

void Stream::show_key_frame() {
    for (KeyWaiter& waiter : std::exchange(key_waiters_, {})) {
        waiter.reply.give(KeyFrame{key_picture_, run_name()});
    }
}

void Stream::refuse_key_waiters(Error why) {
    for (KeyWaiter& waiter : std::exchange(key_waiters_, {})) {
        waiter.reply.give(std::unexpected(why));
    }
}

void Stream::refuse_late_key_waiters(Instant now) {
    std::erase_if(key_waiters_, [now](KeyWaiter& waiter) {
        const bool late = now >= waiter.since + key_wait;
        if (late) {
            waiter.reply.give(fail(Errc::timed_out, "this stream showed no key frame in time"));
        }
        return late;
    });
}

void Stream::set_alarm() {
    Instant next = segments_deadline();
    if (!publisher_) {
        next = std::min(next, resting_     ? handle_.home->now()
                              : called_at_ ? *called_at_ + source_wait
                              : over_at_   ? Instant::never()
                                           : left_at_ + settings_.grace);
    } else {
        if (!knocks_.empty()) {
            next = std::min(next, last_media_ + dead_after);
        }
        if (!ready_ && first_media_ != Instant::never()) {
            next = std::min(next, first_media_ + tracks_wait);
        }
    }
    handle_.home->timers().arm(*this, next);
}

void Stream::on_time() {
    const Instant now = handle_.home->now();
    if (!publisher_ && called_at_ && now >= *called_at_ + source_wait) {
        source_failed({Errc::timed_out, "the source of this stream did not begin in time"});
    }
    if (!publisher_ && !called_at_ && !over_at_ && (resting_ || now >= left_at_ + settings_.grace)) {
        end_push();
    }
    if (!publisher_ && resting_) {
        retire();
        return;
    }
    tend_segments({now, handle_.home->clock().utc()});
    const std::optional<Instant> listed = listed_at();
    if (over_at_ && (!listed || now >= *listed + lists_linger)) {
        retire();
        return;
    }
    if (!ready_ && first_media_ != Instant::never() && now >= first_media_ + tracks_wait) {
        std::erase_if(tracks_, [](const media::Track& track) { return track.config == nullptr; });
        become_ready();
    }
    consider_knocks();
}

void Stream::end_push() {
    const Instant now = handle_.home->now();
    over_at_ = now;
    tell_gone();
    end_forms(now);
    for (const Opening& opening : std::exchange(openings_, {})) {
        opening.mirror.opened(fail(Errc::not_found, "this stream ended"));
    }
    refuse_key_waiters({Errc::not_found, "this stream ended"});
    log::info("hub", "{} ended", name_);
}

void Stream::end_forms(Instant now) {
    for (auto& [key, derived] : derived_) {
        derived->end(now);
    }
    derived_.clear();
    pictures_.clear();
}

void Stream::retire() {
    for (auto& [key, packaged] : packaged_) {
        packaged->refuse_parked({Errc::not_found, "this stream ended"});
    }
    directory_.rest_source(name_);
    // Ends this object: nothing of it is touched afterwards.
    directory_.remove(handle_);
}

StreamState Stream::state(Instant now) const {
    if (!publisher_) {
        return called_at_                        ? StreamState::waiting
               : said_end_ || publications_ == 0 ? StreamState::offline
                                                 : StreamState::stale;
    }
    if (now - last_media_ > silent_after) {
        return StreamState::stale;
    }
    return ready_ ? StreamState::live : StreamState::waiting;
}

}   // namespace millrace::hub
