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
    if (const Result<> room = has_room(wanted); !room) {
        opening.mirror.opened(std::unexpected(room.error()));
        return;
    }
    auto& derived = derived_[wanted];
    if (derived == nullptr) {
        derived = opening.flavour.make(*handle_.home);
        const Result<> begun = derived->begin(feed_, tracks_, handle_.home->now());
        if (!begun) {
            derived_.erase(opening.flavour.key);
            opening.mirror.opened(std::unexpected(begun.error()));
            return;
        }
    }
    derived->attach(opening.mirror, handle_);
}

void Stream::close(const FlavourKey& key, const MirrorRef& mirror) {
    const auto derived = derived_.find(key);
    if (derived == derived_.end()) {
        return;
    }
    derived->second->detach(mirror);
    if (!derived->second->watched()) {
        derived->second->unwatched_since = handle_.home->now();
        drop_unwatched();
    }
}

void Stream::drop_unwatched() {
    const Instant now = handle_.home->now();
    Instant next = Instant::never();
    std::erase_if(derived_, [now, &next](const auto& entry) {
        const Derived& derived = *entry.second;
        const Instant until = derived.unwatched_since + derived.linger();
        if (derived.watched() || until <= now) {
            return !derived.watched();
        }
        next = std::min(next, until);
        return false;
    });
    handle_.home->timers().arm(lingering_, next);
}

Result<> Stream::has_room(const FlavourKey& wanted) const {
    const auto count = [this](std::uint64_t FlavourKey::* of) {
        return static_cast<std::size_t>(
            std::ranges::count_if(derived_, [of](const auto& entry) { return entry.first.*of != 0; }));
    };
    if (derived_.contains(wanted)) {
        return {};
    }
    if (wanted.variant != 0 && count(&FlavourKey::variant) >= variants_max) {
        return fail(Errc::exhausted,
                    "pictures of this stream are made in as many sizes and rates as it "
                    "takes; ask for one of those, or later");
    }
    if (wanted.plan != 0 && count(&FlavourKey::plan) >= plans_max) {
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
    tend_segments(now);
    if (over_at_ && (!listed_at_ || now >= *listed_at_ + lists_linger)) {
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
    for (auto& [key, derived] : derived_) {
        derived->end(now);
    }
    derived_.clear();
    for (const Opening& opening : std::exchange(openings_, {})) {
        opening.mirror.opened(fail(Errc::not_found, "this stream ended"));
    }
    refuse_key_waiters({Errc::not_found, "this stream ended"});
    log::info("hub", "{} ended", name_);
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
