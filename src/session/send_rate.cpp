#include "session/send_rate.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::session {

namespace {

/// Of what the link carries, that much is asked for: the rest empties the queue.
constexpr double share = 0.85;
/// Seconds: much longer than an encoder takes to follow, or what it does late would be taken for less.
constexpr double obeyed_over = 4;
constexpr double step_up = 1.06;
/// A path of so much more than it carried when it was full is another.
constexpr double wider_from = 1.8;
constexpr double step_free = 1.5;   // where the path has no limit that its transport would know of
/// Beyond so much of what was usual, the encoder does as it is configured.
constexpr double usual_again = 1.2;
/// The link is free for so long before more is tried.
constexpr Duration trust_after = 1s;
constexpr Duration trust_shown_after = 300ms;   // where the transport looks for the path's rate itself
constexpr Duration key_frame_every = 1s;
/// A path on which nothing has arrived yet may be so long.
constexpr Duration first_way_max = 1s;

double seconds(Duration span) {
    return std::chrono::duration<double>{span}.count();
}

}   // namespace

SendRate::Wish SendRate::look(const Sight& sight, Instant now) {
    keep(sight, now);
    if (delay_ >= (target_ && sight.path ? full_shown_from : full_from)) {
        full_at_ = now;
        return lower(sight, now);
    }
    if (target_ && sight.path.value_or(0) > 0 && *sight.path < static_cast<double>(*target_) * obeyed()) {
        return follow(*sight.path, now);
    }
    return delay_ < (sight.path ? free_shown_below : free_below) ? raise(sight, now) : Wish{};
}

/// The path became narrower than what is made.
SendRate::Wish SendRate::follow(double path, Instant now) {
    if (now - changed_at_ < lower_every) {
        return {};
    }
    changed_at_ = now;
    target_ = static_cast<std::uint64_t>(std::max(path * share / obeyed(), static_cast<double>(bitrate_min)));
    return {.bitrate = target_};
}

void SendRate::keep(const Sight& sight, Instant now) {
    samples_.push_back({.at = now,
                        .handed_over = sight.handed_over,
                        .delivered = sight.handed_over - std::min(sight.held, sight.handed_over),
                        .made = sight.handed_over + sight.waiting});
    while (now - samples_.front().at > memory) {
        samples_.pop_front();
    }
    Sample& newest = samples_.back();
    const Sample& before = samples_.size() > 1 ? samples_[samples_.size() - 2] : newest;
    const double passed = seconds(newest.at - before.at);
    const double forgets = std::exp(-passed / obeyed_over);
    const auto made = static_cast<double>(newest.made - std::min(before.made, newest.made)) * 8;
    made_ = made_ * forgets + made;
    told_ = told_ * forgets + (target_ ? static_cast<double>(*target_) * passed : made);
    if (newest.delivered > before.delivered) {
        newest.took = now - handed_over_at(newest.delivered);
    }
    delay_ = sight.age;
    // What left since the last look is on its way and no queue, be it a whole key frame.
    if (before.handed_over > newest.delivered && &before != &newest) {
        // A link that took nothing of late is as slow as one can be.
        const double least = std::max(rate_of(&Sample::delivered), static_cast<double>(bitrate_min));
        const Duration will_take{
            static_cast<std::int64_t>(static_cast<double>(sight.held) * 8 / least * 1e9)};
        const Duration so_far = now - handed_over_at(newest.delivered + 1) + look_every;
        delay_ += std::max(std::min(will_take, so_far) - usual_way(so_far), Duration{});
    }
}

double SendRate::obeyed() const {
    return told_ > 0 ? std::clamp(made_ / told_, obeyed_min, 1.0) : 1;
}

Instant SendRate::handed_over_at(std::uint64_t bytes) const {
    return std::ranges::lower_bound(samples_, bytes, {}, &Sample::handed_over)->at;
}

Duration SendRate::usual_way(Duration so_far) const {
    std::optional<Duration> least;
    for (const Sample& sample : samples_) {
        if (sample.took) {
            least = std::min(least.value_or(*sample.took), *sample.took);
        }
    }
    return least.value_or(std::min(so_far, first_way_max));
}

/// Bits a second, over the last `rate_span`.
double SendRate::rate_of(std::uint64_t Sample::* count) const {
    const Sample& newest = samples_.back();
    const auto oldest = std::ranges::find_if(
        samples_, [&newest](const Sample& one) { return newest.at - one.at <= rate_span; });
    const double span = seconds(newest.at - oldest->at);
    return span <= 0
               ? 0
               : static_cast<double>(newest.*count - std::min((*oldest).*count, newest.*count)) * 8 / span;
}

SendRate::Wish SendRate::lower(const Sight& sight, Instant now) {
    Wish wish;
    if (delay_ >= skip_from && now - asked_key_at_ >= key_frame_every) {
        asked_key_at_ = now;
        wish.key_frame = true;
    }
    if (now - changed_at_ < lower_every) {
        return wish;
    }
    const double made = rate_of(&Sample::made);
    if (!target_) {
        usual_ = std::max(made, usual_);
    }
    const double carried = rate_of(&Sample::delivered);
    carried_ = carried;
    const double backlog = static_cast<double>(sight.waiting + sight.held) * 8;
    // What waits is to be gone within a second; it keeps a third of the link for what is new.
    const double wanted = std::max(carried * share - backlog, carried / 3);
    const double now_allowed = target_ ? static_cast<double>(*target_) : std::max(made, carried);
    const auto next =
        static_cast<std::uint64_t>(std::max(std::min(wanted, now_allowed), static_cast<double>(bitrate_min)));
    if (!target_ || next < *target_) {
        target_ = next;
        changed_at_ = now;
        wish.bitrate = next;
    }
    return wish;
}

SendRate::Wish SendRate::raise(const Sight& sight, Instant now) {
    const Duration trusted = sight.path ? trust_shown_after : trust_after;
    const Duration every = sight.path ? look_every : raise_every;
    if (!target_ || now - full_at_ < trusted || now - changed_at_ < every) {
        return {};
    }
    const double next = more(sight);
    if (next <= static_cast<double>(*target_)) {
        return {};
    }
    changed_at_ = now;
    if (next > usual_ * usual_again) {
        target_.reset();
        usual_ = 0;
        return {.bitrate = unlimited};
    }
    target_ = static_cast<std::uint64_t>(next);
    return {.bitrate = target_};
}

double SendRate::more(const Sight& sight) {
    const auto target = static_cast<double>(*target_);
    if (!sight.path) {
        // What waited is gone: what the link carried before is the place to go on from.
        return std::max(target * step_up, std::exchange(carried_, 0) * share);
    }
    if (*sight.path == 0) {
        return target * step_free;
    }
    // Beyond what it was narrow at all of the rate is used: that, too, shows its transport more.
    const bool wider = carried_ > 0 && *sight.path > carried_ * wider_from;
    return *sight.path * (wider ? 1 : share) / obeyed();
}

}   // namespace millrace::session
