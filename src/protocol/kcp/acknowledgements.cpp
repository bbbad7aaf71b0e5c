#include "protocol/kcp/acknowledgements.hpp"

#include <algorithm>

namespace millrace::kcp {

namespace {
/// No copy left at that time: our own ends count the segment as delivered and learn nothing else from it.
constexpr std::uint32_t no_sample = 0x8000'0000U;
// An acknowledgement out of order that is lost each time costs a needless resend; said once more it costs
// 24 bytes.
constexpr double loss_for_three = 0.08;
// Where so much is lost, so are many repetitions; each that gets through saves the tail's needless resends.
// More datagrams hold each other up on a path that keeps them in order, so not before.
constexpr double loss_for_two_repeats = 0.10;
}   // namespace

Acknowledgements::Acknowledgements(const Settings& settings)
    : compact_{settings.compact_acks}, delay_{settings.ack_delay}, repeat_{settings.ack_repeat} {
}

void Acknowledgements::owe(Instant now) {
    if (!owed_) {
        owed_ = true;
        due_ = now + delay_;
    }
    repeat_at_ = Instant::never();
    if (apart_.size() > owed_max) {
        apart_.erase(apart_.begin());
    }
}

/// What lies behind the furthest number but left after it is a resend; what left before it was only late.
void Acknowledgements::look_for_resend(Echo echo) {
    if (!furthest_) {
        furthest_ = echo;
    }
    loss_.add(ahead(echo.sn, furthest_->sn) < 0 && ahead(echo.ts, furthest_->ts) > 0);
    furthest_->sn = ahead(echo.sn, furthest_->sn) > 0 ? echo.sn : furthest_->sn;
    furthest_->ts = ahead(echo.ts, furthest_->ts) > 0 ? echo.ts : furthest_->ts;
}

unsigned Acknowledgements::times_apart() const {
    return loss_.share() < loss_for_three ? 2 : 3;
}

void Acknowledgements::note(ReceiveWindow::Taken taken, Echo echo, Instant now) {
    using enum ReceiveWindow::Taken;
    if (taken == beyond) {
        return;
    }
    look_for_resend(echo);
    if (!compact_ || taken == filled_gap) {
        // Which of several copies filled a gap only its time stamp tells.
        apart_.push_back({echo, 1, true});
    } else if (taken == apart) {
        apart_.push_back({echo, times_apart(), false});
    } else if (taken == in_order || !newest_) {
        newest_ = echo;
    }
    owe(now);
}

void Acknowledgements::note_recovered(ReceiveWindow::Taken taken, std::uint32_t sn, Instant now) {
    if (taken != ReceiveWindow::Taken::beyond) {
        apart_.push_back({{sn, no_sample}, 1, true});
        owe(now);
    }
}

const std::vector<Echo>& Acknowledgements::take(std::uint32_t expected, Instant now) {
    taken_.clear();
    if (newest_) {
        taken_.push_back(*newest_);
    }
    for (Apart& one : apart_) {
        if (one.always || ahead(one.echo.sn, expected) >= 0) {
            taken_.push_back(one.echo);
            --one.times;
        } else {
            one.times = 0;
        }
        one.always = false;
    }
    std::erase_if(apart_, [](const Apart& one) { return one.times == 0; });
    newest_.reset();
    if (taken_.empty()) {
        taken_.push_back(first_said_);
    }
    first_said_ = taken_.front();
    repeats_ = owed_ ? 0 : repeats_ + 1;
    repeat_at_ = next_repeat(now);
    owed_ = false;
    return taken_;
}

/// After as long a silence as ever, but twice where one repetition is often lost as well.
Instant Acknowledgements::next_repeat(Instant now) const {
    const unsigned times = loss_.share() < loss_for_two_repeats ? 1 : 2;
    return repeat_ > 0ns && repeats_ < times ? now + repeat_ / times : Instant::never();
}

}   // namespace millrace::kcp
