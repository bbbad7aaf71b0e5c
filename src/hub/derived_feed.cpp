#include "hub/derived_feed.hpp"

namespace millrace::hub {

void Derived::attach(MirrorRef mirror, StreamHandle stream) {
    mirrors_.push_back(mirror);
    mirror.opened(MirrorStart{stream, log_.snapshot(), lead()});
}

void Derived::unpublished(Instant now) {
    if (over_) {
        return;
    }
    say_unpublished(now);
    offline_ = true;
    if (ends_with_publisher()) {
        over_ = true;
        log_.end();
    }
    log_.request_flush();
    tell();
}

void Derived::lost(Instant now) {
    if (!over_ && say_lost(now)) {
        log_.request_flush();
        tell();
    }
}

void Derived::end(Instant now) {
    if (over_) {
        return;
    }
    say_end(now);
    log_.end();
    tell();
}

void Derived::say(const media::TimedMessage& message, Instant now) {
    const std::uint64_t before = log_.head();
    if (!over_) {
        say_message(message, now);
    }
    if (log_.head() != before) {
        // Between two pictures: where there are many viewers, their window joins it with the next.
        log_.request_flush();
        tell();
    }
}

void Derived::tell() {
    if (!log_.has_change()) {
        return;
    }
    const auto change =
        std::make_shared<const MirrorChange>(MirrorChange{log_.take_change(), lead(), offline_});
    for (const MirrorRef& mirror : mirrors_) {
        mirror.update(change);
    }
}

}   // namespace millrace::hub
