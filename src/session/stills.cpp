#include "session/stills.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

constexpr std::string_view who = "stills";
constexpr Error left_out{Errc::exhausted,
                         "this stream's pictures ended the program that makes them twice; they are left "
                         "out for ten minutes"};

std::string tag_of(const StillKey& key, const hub::KeyFrame& frame) {
    return fmt::format("\"{}-{}-{}\"", frame.run, frame.unit->pts, key.width);
}

}   // namespace

void Stills::ask(StillWish wish, Reply<StillRef> reply) {
    home_.post([this, wish = std::move(wish), reply = std::move(reply)]() mutable {
        serve(std::move(wish), std::move(reply));
    });
}

void Stills::ask_of(StillKey key, media::AccessUnitRef frame, Reply<Bytes> reply) {
    home_.post([this, key = std::move(key), frame = std::move(frame), reply = std::move(reply)]() mutable {
        if (waiters_ >= waiters_max) {
            reply.give(fail(Errc::exhausted, "too many wait for pictures; try again soon"));
            return;
        }
        ++waiters_;
        home_.tasks().spawn(fulfil_of(std::move(key), std::move(frame), std::move(reply)));
    });
}

Task<> Stills::fulfil_of(StillKey key, media::AccessUnitRef frame, Reply<Bytes> reply) {
    Result<Bytes> jpeg = co_await picture_of(key, std::move(frame));
    --waiters_;
    reply.give(std::move(jpeg));
}

std::optional<Result<StillRef>> Stills::fresh(const StillKey& key) {
    const StillCache::Entry* const known = cache_.find(key);
    if (known == nullptr || home_.now() - known->at >= known->good_for) {
        return std::nullopt;
    }
    return known->trouble ? Result<StillRef>{std::unexpected(*known->trouble)} : known->still;
}

Result<StillRef> Stills::earlier(const StillKey& key, Error why) {
    const StillCache::Entry* const known = cache_.find(key);
    const bool usable =
        known != nullptr && known->still != nullptr && home_.now() - known->at < remembered_for;
    return usable ? Result<StillRef>{known->still} : std::unexpected(why);
}

void Stills::serve(StillWish wish, Reply<StillRef> reply) {
    if (std::optional<Result<StillRef>> known = fresh(wish.key)) {
        reply.give(std::move(*known));
        return;
    }
    const auto same = wishes_.find(wish);
    const bool first = same == wishes_.end();
    if (waiters_ >= waiters_max || (first && wishes_.size() >= wishes_max)) {
        reply.give(earlier(wish.key, {Errc::exhausted, "too many wait for pictures; try again soon"}));
        return;
    }
    ++waiters_;
    (first ? wishes_[wish] : same->second).push_back(std::move(reply));
    if (first) {
        home_.tasks().spawn(fulfil(std::move(wish)));
    }
}

Task<> Stills::fulfil(StillWish wish) {
    const Result<StillRef> found = co_await find(wish);
    auto done = wishes_.extract(wish);
    waiters_ -= done.mapped().size();
    for (Reply<StillRef>& waiter : done.mapped()) {
        waiter.give(found);
    }
}

Task<Result<StillRef>> Stills::find(const StillWish& wish) {
    Answer<hub::KeyFrame> answer{home_};
    directory_.key_frame(wish.key.stream, wish.at_hand ? hub::KeyFrameAsk::at_hand : hub::KeyFrameAsk::wait,
                         answer.reply());
    const Result<hub::KeyFrame> frame = co_await answer.within(home_.now() + key_frame_patience);
    if (!frame) {
        const Error why = frame.error().code == Errc::timed_out
                              ? Error{Errc::timed_out, "this stream showed no key frame in time"}
                              : frame.error();
        co_return wish.at_hand ? earlier(wish.key, why) : Result<StillRef>{std::unexpected(why)};
    }
    const StillCache::Entry* const known = cache_.find(wish.key);
    if (known != nullptr && known->still != nullptr && known->still->tag == tag_of(wish.key, *frame)) {
        StillRef same = known->still;
        cache_.keep(wish.key, same, {home_.now(), known->good_for});
        co_return same;
    }
    co_return co_await make(wish.key, *frame);
}

Task<Result<StillRef>> Stills::make(const StillKey& key, const hub::KeyFrame& frame) {
    const media::TrackConfig& config = *frame.unit->config;
    const bool its_own = config.codec == media::Codec::mjpeg && (key.width == 0 || key.width >= config.width);
    Result<Bytes> jpeg;
    if (its_own) {
        jpeg = frame.unit->payload;
    } else {
        jpeg = co_await picture_of(key, frame.unit);
    }
    if (!jpeg) {
        cache_.keep(key, jpeg.error(), {home_.now(), renewed_after});
        co_return std::unexpected(jpeg.error());
    }
    StillRef still =
        std::make_shared<const Still>(Still{std::move(*jpeg), tag_of(key, frame), frame.unit->capture.utc});
    cache_.keep(key, still, {home_.now(), its_own ? Duration{0} : renewed_after});
    co_return still;
}

/// A child that died over the frame has a second try, for it may have been another's fault.
Task<Result<Bytes>> Stills::picture_of(const StillKey& key, media::AccessUnitRef frame) {
    while (!is_left_out(key.stream)) {
        Answer<Bytes> answer{home_};
        maker_.make({frame, key.width}, answer.reply());
        Result<Bytes> jpeg = co_await answer.within(Instant::never());
        if (jpeg || jpeg.error().code != Errc::closed) {
            co_return jpeg;
        }
        log::warning(who, "{}: {} over its key frame", key.stream, jpeg.error().what);
        if (blame(key.stream)) {
            log::error(who, "{}: its pictures are left out for ten minutes", key.stream);
        }
    }
    co_return std::unexpected(left_out);
}

bool Stills::is_left_out(const std::string& stream) {
    const auto suspect = suspects_.find(stream);
    if (suspect == suspects_.end()) {
        return false;
    }
    if (home_.now() - suspect->second.last >= left_out_for) {
        suspects_.erase(suspect);
        return false;
    }
    return suspect->second.kills >= kills_max;
}

bool Stills::blame(const std::string& stream) {
    if (suspects_.size() >= suspects_max && !suspects_.contains(stream)) {
        std::erase_if(suspects_, [now = home_.now()](const auto& suspect) {
            return now - suspect.second.last >= left_out_for;
        });
        if (suspects_.size() >= suspects_max) {
            suspects_.erase(suspects_.begin());
        }
    }
    Suspect& suspect = suspects_[stream];
    suspect.last = home_.now();
    return ++suspect.kills >= kills_max;
}

}   // namespace millrace::session
