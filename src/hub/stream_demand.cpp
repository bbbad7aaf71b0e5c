#include "hub/directory.hpp"
#include "hub/stream.hpp"

#include <algorithm>

// A stream whose source runs only while somebody wants it.

namespace millrace::hub {

bool Stream::call_source() {
    const Instant now = handle_.home->now();
    watched_at_ = now;
    if (publisher_ && !resting_) {
        return true;
    }
    if (!directory_.wake_source(name_)) {
        set_alarm();
        return publisher_.has_value();
    }
    resting_ = false;
    if (!called_at_) {
        called_at_ = now;
        tell_state();
    }
    set_alarm();
    return true;
}

void Stream::source_failed(Error error) {
    if (publisher_ || !called_at_) {
        return;
    }
    called_at_.reset();
    for (const Opening& opening : std::exchange(openings_, {})) {
        opening.mirror.opened(std::unexpected(error));
    }
    refuse_key_waiters(error);
    for (auto& [key, packaged] : packaged_) {
        packaged->refuse_parked(error);
    }
    // Viewers that it had before wait out their grace.
    resting_ = std::ranges::none_of(derived_, [](const auto& one) { return one.second->watched(); });
    set_alarm();
}

bool Stream::watched(Instant now) const {
    const bool pushed = std::ranges::any_of(derived_, [](const auto& one) { return one.second->watched(); });
    const std::optional<Instant> listed = listed_at();
    const bool polled = polling_ ? polling_->size() > 0 : listed && now < *listed + 3 * target_duration();
    return pushed || polled || !openings_.empty() || !key_waiters_.empty();
}

void Stream::rest_if_unwatched(Instant now) {
    if (watched(now)) {
        watched_at_ = now + judged_every;   // they may stay until the next look
    } else if (!resting_ && now >= watched_at_ + settings_.idle) {
        resting_ = directory_.rest_source(name_);
    }
}

bool Stream::make_way() {
    // Who comes now wants the stream, not the end of the last showing.
    if (!over_at_ || !directory_.has_source(name_)) {
        return false;
    }
    directory_.remove(handle_);
    return true;
}

}   // namespace millrace::hub
