#include "protocol/kcp/order_recovery.hpp"

#include <algorithm>

namespace millrace::kcp {

namespace {
// A resend that is lost costs a whole round trip more, which is all of the tail: it leaves twice as soon as
// losses are no accident, and three times in the second round. So does what only the timer found: it is late
// already. Where more is lost, two are enough for the bytes they cost.
constexpr double loss_for_two = 0.01;
constexpr double loss_for_three_by_timer = 0.02;
constexpr double loss_common = 0.025;
constexpr double loss_for_two_by_timer = 0.08;
constexpr double loss_for_two_at_most = 0.13;
/// Single losses are their neighbours' as often as any's: as often as the share of them.
constexpr double neighbours_in_bursts = 0.4;
}   // namespace

void OrderRecovery::on_sent(Outstanding& segment, const Sending& sending) {
    segment.rounds += sending.new_round ? 1 : 0;
    segment.remember({.order = sending.order, .at = sending.now, .ts = sending.ts, .round = segment.rounds});
    segment.lost = false;
    segment.overtaken_at = Instant::never();
    deadline_ = std::min(deadline_, tail_at(segment));
}

void OrderRecovery::on_repeat(std::uint32_t sn, const Sending& sending) {
    if (repeats_.size() == repeats_remembered) {
        repeats_.pop_front();
    }
    repeats_.push_back({sn, {.order = sending.order, .at = sending.now, .ts = sending.ts}});
}

Transmission* OrderRecovery::copy_of(SendWindow& window, const Echo& echo) {
    Transmission* const copy = window.holds(echo.sn) ? window.at(echo.sn).find(echo.ts) : nullptr;
    const auto repeat = std::ranges::find_if(repeats_, [&echo](const Repeat& one) {
        return one.sn == echo.sn && one.sent.ts == echo.ts && !one.sent.acked;
    });
    return copy != nullptr || repeat == repeats_.end() ? copy : &repeat->sent;
}

void OrderRecovery::deliver(Outstanding& segment, const Transmission* copy, Instant now) {
    segment.delivered = true;
    segment.lost = false;
    const bool by_una = copy == nullptr;
    const bool first_came = by_una ? segment.rounds == 1 : copy->order == segment.first().order;
    loss_.add(!first_came);
    if (first_came && (!by_una || segment.copies == 1)) {
        lateness_.add(segment.first_overtaken_at == Instant::never() ? 0ns
                                                                     : now - segment.first_overtaken_at);
    }
}

Progress OrderRecovery::on_acks(SendWindow& window, const Acked& acked) {
    Progress progress;
    const Transmission* newest = nullptr;
    for (const Echo& echo : acked.echoes) {
        Transmission* const copy = copy_of(window, echo);
        if (copy != nullptr) {
            copy->acked = true;
            if (copy->order > newest_order_ && (newest == nullptr || copy->order > newest->order)) {
                newest = copy;
            }
        }
        if (!window.holds(echo.sn)) {
            continue;
        }
        Outstanding& segment = window.at(echo.sn);
        if (!segment.delivered) {
            progress.count(segment);
            if (copy != nullptr) {
                deliver(segment, copy, acked.now);
            }
            // Without a copy another layer made it up from others: that is no news of the path.
            segment.delivered = true;
            segment.lost = false;
        }
    }
    for (std::uint32_t sn = window.una(); sn != acked.una; ++sn) {
        if (!window.at(sn).delivered) {
            progress.count(window.at(sn));
            deliver(window.at(sn), nullptr, acked.now);
        }
    }
    if (newest != nullptr) {
        newest_order_ = newest->order;
        progress.newest_order = newest->order;
        round_trip_.add(acked.now - newest->at, acked.now);
    }
    if (progress.delivered > 0) {
        progress_at_ = acked.now;
        fruitless_ = 0;
    }
    return progress;
}

Duration OrderRecovery::timer() const {
    const bool careful = window_ > in_order_max || loss_.share() >= loss_for_two_by_timer;
    const Duration margin = careful ? timer_margin_careful : timer_margin;
    Duration wait = round_trip_.known() ? round_trip_.largest() + margin : timer_before_a_sample;
    if (round_trip_.samples() < samples_few) {
        wait += round_trip_.smoothed() / 4;
    }
    for (unsigned i = 0; i < fruitless_ && wait < timer_max; ++i) {
        wait += wait / 2;
    }
    return std::min(wait, timer_max);
}

Duration OrderRecovery::quiet() const {
    return loss_.share() < loss_common ? quiet_min : quiet_min_lossy;
}

Instant OrderRecovery::tail_at(const Outstanding& segment) const {
    const Duration wait = timer() + (segment.rounds == 1 ? fec_wait_ : 0ns);
    Instant at = std::max(segment.last().at + wait, progress_at_ + quiet());
    if (fruitless_ > 1) {
        at = std::max(at, timed_out_at_ + timer());
    }
    return at;
}

void OrderRecovery::look_for_gap(Outstanding& segment, Instant now) {
    if (segment.first_overtaken_at == Instant::never() && segment.first().order < newest_order_) {
        segment.first_overtaken_at = now;
    }
    if (segment.last().order >= newest_order_) {
        return;
    }
    if (segment.overtaken_at == Instant::never()) {
        segment.overtaken_at = now;
    }
    const Instant due = segment.overtaken_at + window_ + (segment.rounds == 1 ? fec_wait_ : 0ns);
    if (due <= now) {
        segment.lost = true;
        segment.timed_out = false;
        if (segment.rounds == 1) {
            neighbours_.add(segment.sn == last_lost_ + 1);
            last_lost_ = segment.sn;
        }
    } else {
        deadline_ = std::min(deadline_, due);
    }
}

Losses OrderRecovery::examine(SendWindow& window, Instant now) {
    Losses losses;
    window_ = lateness_.window(loss_.share());
    deadline_ = Instant::never();
    Instant tail = Instant::never();
    for (std::uint32_t sn = window.una(); sn != window.next(); ++sn) {
        Outstanding& segment = window.at(sn);
        if (segment.delivered || segment.lost) {
            continue;
        }
        look_for_gap(segment, now);
        if (segment.lost) {
            ++losses.by_gap;
        } else {
            tail = std::min(tail, tail_at(segment));
        }
    }
    if (tail <= now) {
        const unsigned limit = fruitless_ > 1 ? probes_max : tail_max;
        for (std::uint32_t i = 0; i < window.in_flight() && losses.by_timer < limit; ++i) {
            Outstanding& segment = window.at(fruitless_ > 1 ? window.una() + i : window.next() - 1 - i);
            if (!segment.delivered && !segment.lost && tail_at(segment) <= now) {
                segment.lost = true;
                segment.timed_out = true;
                ++losses.by_timer;
            }
        }
        ++fruitless_;
        timed_out_at_ = now;
        tail = now + timer();
    }
    deadline_ = std::min(deadline_, tail);
    return losses;
}

bool OrderRecovery::loses_in_bursts() const {
    return neighbours_.share() > neighbours_in_bursts;
}

unsigned OrderRecovery::copies(const Outstanding& segment) const {
    const double loss = loss_.share();
    if (loss < loss_for_two) {
        return 1;
    }
    const bool again = segment.rounds > 1 && loss < loss_for_two_at_most;
    const bool late = segment.timed_out && window_ <= in_order_max && loss >= loss_for_three_by_timer &&
                      loss < loss_for_two_by_timer;
    return std::min(again || late ? 3U : 2U, copies_max_);
}

}   // namespace millrace::kcp
