#include "session/backfill_pace.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::session {

namespace {

constexpr double bits = 8;
constexpr double path_rate_max = 1e9;
constexpr double rises_by = 1.06;      // a look, where no limit was found
constexpr double keeps = 0.7;          // of the rate where a queue stands, so that it empties
constexpr double keeps_of_far = 0.5;   // of one that rose for long before that showed
constexpr Duration long_queue = 40ms;
constexpr double goes_on_at = 0.82;   // of the ceiling
constexpr double creeps_by = 0.002;   // a look, near the ceiling
constexpr Duration creeps_for = 4s;   // then twice as fast each second
constexpr int falls_max = 4;          // more in a row did not change what stands
constexpr int usual_lasts = 1'200;    // judgements: a minute

double seconds(Duration span) {
    return std::chrono::duration<double>{span}.count();
}

}   // namespace

BackfillPace::BackfillPace(std::uint64_t cap)
    : cap_{cap == 0 ? rate_max : static_cast<double>(cap)}, rate_{rate_first} {
}

double BackfillPace::rate() const {
    return std::min(rate_, cap_);
}

void BackfillPace::note_sent(std::size_t bytes) {
    const auto size = static_cast<double>(bytes);
    sent_ += bytes;
    room_ -= size;
    capped_room_ -= size;
    sure_room_ = std::max(0.0, sure_room_ - size);
}

void BackfillPace::refill(const Sight& sight, Duration since) {
    const double passed = seconds(since);
    const double live = sight.live_sent > live_sent_ ? static_cast<double>(sight.live_sent - live_sent_) : 0;
    live_left_at_ = live > 0 ? *looked_at_ : live_left_at_;
    live_sent_ = sight.live_sent;
    const auto fill = [&](double& room, double rate, double spent) {
        const double a_second = rate / bits;
        room = std::clamp(room + a_second * passed - spent, -a_second * seconds(debt_max),
                          a_second * seconds(late_max) + static_cast<double>(piece_min));
    };
    fill(room_, rate_, live);
    fill(capped_room_, cap_, 0);
    fill(sure_room_, rate_min, 0);
}

std::size_t BackfillPace::look(const Sight& sight, Instant now) {
    const bool rested = !looked_at_ || now - *looked_at_ > limited_from;
    if (rested) {
        live_sent_ = sight.live_sent;
        limited_since_ = now;
        judge_at_ = now + judge_every;
    }
    if (now >= proven_at_ + forgets_after) {
        rate_ = std::min(rate_, rate_first);
        ceiling_ = 0;
        proven_at_ = now;
    }
    const Duration since = rested ? look_every : now - *looked_at_;
    looked_at_ = now;
    refill(sight, since);
    if (sent_ + piece_min <= allowed_) {
        limited_since_ = now;
    }
    if (now >= judge_at_) {
        judge_at_ = now + std::max(judge_every, sight.own.least / 2);
        judge(sight, now);
    }
    const double room = std::min(std::max(room_, sure_room_), capped_room_);
    const bool may = sight.live_waits <= live_waits_from && room >= static_cast<double>(piece_min);
    allowed_ = may ? static_cast<std::size_t>(room) : 0;
    sent_ = 0;
    return allowed_;
}

/// Both links cross one path: what only one of them finds is chance, or is no matter to live.
Duration BackfillPace::queue_of(const Sight& sight) const {
    const Duration own = sight.own.queue();
    const bool live_flows = looked_at_ && *looked_at_ < live_left_at_ + settles_in;
    return live_flows && sight.live && sight.live->least > 0ns ? std::min(own, sight.live->queue()) : own;
}

void BackfillPace::judge(const Sight& sight, Instant now) {
    const Duration queue = queue_of(sight);
    usual_ -= usual_ / usual_lasts;
    if (sight.live_waits > live_waits_from) {
        rate_ = std::max(rate_ / 2, rate_min);
        risen_from_ = now;
    } else if (queue > usual_ + sight.own.doubtful) {
        risen_from_ = now;
        if (now >= fall_at_) {
            fall(queue, sight, now);
        }
    } else if (now >= fall_at_) {
        falls_ = 0;
        if (now - limited_since_ >= limited_from) {
            rise(now);
        }
    }
}

/// Falls to less, so that the queue empties; unless it stays through falls in a row, or where next to nothing
/// of ours leaves: then it is not ours, and the rate was right.
void BackfillPace::fall(Duration queue, const Sight& sight, Instant now) {
    fall_at_ = now + settles_in + sight.own.now;
    proven_at_ = now;
    if (falls_++ == 0) {
        fell_from_ = rate_;
        queue_there_ = queue;
    }
    const bool at_least = rate_ <= rate_min;
    const bool stays = falls_ > falls_max && queue > queue_there_ / 2;
    if (queue <= usual_max && (at_least || stays)) {
        usual_ = std::min(queue + queue / 2, usual_max);
        ceiling_ = at_least ? 0 : ceiling_;
        rate_ = at_least ? rate_ : fell_from_;
        falls_ = 0;
        return;
    }
    const bool far = ceiling_ == 0 || queue > long_queue;
    ceiling_ = rate_;
    rate_ = std::max(rate_ * (far ? keeps_of_far : keeps), rate_min);
}

void BackfillPace::rise(Instant now) {
    proven_at_ = now;
    const double near = goes_on_at * ceiling_;
    if (ceiling_ == 0) {
        rate_ *= rises_by;
    } else if (rate_ < near) {
        rate_ = std::min(rate_ * rises_by, near);
        risen_from_ = now;
    } else {
        const double late = seconds(now - risen_from_ - creeps_for);
        rate_ *= std::min(1 + creeps_by * std::exp2(std::max(late, 0.0)), rises_by);
    }
    rate_ = std::min(rate_, path_rate_max);
}

}   // namespace millrace::session
