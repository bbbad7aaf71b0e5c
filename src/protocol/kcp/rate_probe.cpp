#include "protocol/kcp/rate_probe.hpp"

#include <algorithm>

namespace millrace::kcp {

void RateProbe::begin(const RoundTrip& path) {
    sending_ = true;
    span_ = std::min<Duration>(variations * path.variation(), span_max);
    // What is more than that is a queue of this moment, and would hide the probe's own.
    usual_ = std::min<Duration>(path.smoothed(), path.smallest() + usual_wait_max);
    count_ = 0;
    repeated_ = 0;
    found_ = 0;
    late_ = false;
}

void RateProbe::on_sent(std::uint64_t order, std::size_t bytes, bool repeat, Instant now) {
    if (!sending_) {
        return;
    }
    const std::size_t before = count_ == 0 ? 0 : sent_[count_ - 1].bytes;
    sent_[count_] = {order, count_ < unmeasured ? 0 : before + bytes, now};
    repeated_ += repeat ? bytes : 0;
    ++count_;
    const bool too_few = count_ < datagrams_min || now - sent_[unmeasured - 1].at < span_;
    sending_ = too_few && count_ < datagrams_max;
    waits_ = true;
}

/// What the round trip is longer than usual, it waited; what else makes it longer only hides room, so of the
/// last third that counts which shows most. Where none of these arrives, one of the second half has to do.
std::optional<double> RateProbe::on_arrival(std::uint64_t order, double rate, Instant now) {
    if (!waits_ || sending_) {
        return std::nullopt;
    }
    const auto end = sent_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto one = std::find_if(sent_.begin() + static_cast<std::ptrdiff_t>(count_ / 2), end,
                                  [order](const Sent& sent) { return sent.order == order; });
    if (one != end) {
        const Duration waited = std::max<Duration>(now - one->at - usual_, 0ns);
        const Duration took = std::max<Duration>(one->at - sent_[unmeasured - 1].at + waited, 1ms);
        const double shown = static_cast<double>(one->bytes) * 1e9 / static_cast<double>(took.count());
        const bool late = one - sent_.begin() >= static_cast<std::ptrdiff_t>(2 * count_ / 3);
        found_ = late_ && late ? std::max(found_, shown) : shown;
        late_ = late_ || late;
    }
    return order >= sent_[count_ - 1].order ? finish(rate, now) : std::nullopt;
}

std::optional<double> RateProbe::finish(double rate, Instant now) {
    waits_ = false;
    if (found_ >= found_from * rate) {
        if (found_at_ && now - *found_at_ > doubted_for) {
            patience_ = std::max(1, patience_ / 2);
        }
        found_at_ = now;
        next_ = now;
        return found_;
    }
    const double share = span_ == span_max ? repeats_max_varying : repeats_max;
    const double costs = static_cast<double>(repeated_) * 1e9 / (share * rate);
    next_ = now + patience_ * std::max<Duration>(every, Duration{static_cast<std::int64_t>(costs)});
    return std::nullopt;
}

void RateProbe::on_standing(Instant now) {
    if (found_at_ && now - *found_at_ < doubted_for) {
        patience_ = std::min(2 * patience_, patience_max);
        next_ = now + patience_ * every;
        found_at_.reset();
    }
}

}   // namespace millrace::kcp
