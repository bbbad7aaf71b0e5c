#include "protocol/kcp/paced_congestion.hpp"

#include <algorithm>

namespace millrace::kcp {

void PacedCongestion::on_sent(const Sent& sent) {
    if (sent.now - last_sent_ > train_gap && !waiting_) {
        ++train_;
    }
    last_sent_ = sent.now;
    waiting_ = sent.more;
    bytes_ += sent.bytes;
    if (marks_.size() == marks_max) {
        marks_.pop_front();
    }
    marks_.push_back({sent.order, bytes_, train_});
    if (rate_ > 0) {
        const auto takes = static_cast<std::int64_t>(static_cast<double>(sent.bytes) / rate_ * 1e9);
        send_at_ = std::max(send_at_, sent.now) + Duration{takes};
    }
}

void PacedCongestion::on_progress(const Progress& progress, const RoundTrip& /*path*/, Instant now) {
    if (!progress.newest_order) {
        return;
    }
    while (!marks_.empty() && marks_.front().order < *progress.newest_order) {
        marks_.pop_front();
    }
    if (marks_.empty() || marks_.front().order != *progress.newest_order) {
        return;
    }
    const Point point{marks_.front(), now};
    if (from_.mark.train != point.mark.train) {
        finish_measure();
        from_ = point;
    } else if (point.at - from_.at > measure_max && point.mark.order - from_.mark.order >= train_min) {
        to_ = point;
        finish_measure();
        from_ = point;
    }
    to_ = point;
}

void PacedCongestion::finish_measure() {
    if (to_.mark.order - from_.mark.order < train_min) {
        return;
    }
    const Duration spread = to_.at - from_.at;
    const double bytes_a_second = static_cast<double>(to_.mark.bytes - from_.mark.bytes) * 1e9 /
                                  static_cast<double>(std::max<Duration>(spread, 1ms).count());
    if (spread > spread_min) {
        take_rate(bytes_a_second);
    } else if (bytes_a_second > free_at * rate_) {
        rates_.fill(0);
        rate_ = 0;
    }
}

void PacedCongestion::take_rate(double bytes_a_second) {
    rates_[next_rate_] = bytes_a_second;
    next_rate_ = (next_rate_ + 1) % rates_kept;
    rate_ = gain * *std::ranges::max_element(rates_);
}

}   // namespace millrace::kcp
