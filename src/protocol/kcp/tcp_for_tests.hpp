#pragma once

#include "protocol/kcp/path_for_tests.hpp"

#include <cmath>

namespace millrace::kcp {

/// A TCP that takes what it can, on virtual time through a shared bottleneck; nothing else loses its
/// segments, and none of its acknowledgements. Segments are found lost by three that left later (RFC 6675,
/// RACK), congestion avoidance is Reno's (RFC 5681) or CUBIC's (RFC 9438) with the delay part of HyStart++
/// (RFC 9406).
class Tcp {
public:
    enum class Kind : std::uint8_t { reno, cubic };
    static constexpr std::size_t on_wire = 1'500;
    struct Start {
        Kind kind = Kind::cubic;
        Duration one_way{};
        Instant at;
        std::uint64_t seed = 1;
    };

    Tcp(const Start& start, Bottleneck& narrow)
        : kind_{start.kind}, one_way_{start.one_way}, dice_{start.seed}, narrow_{narrow}, begin_{start.at} {}

    std::uint64_t passed = 0;   ///< bytes through the bottleneck, resends and headers too

    Instant next() const {
        Instant due = std::min(ack_at_, timer_);
        due = arriving_.empty() ? due : std::min(due, arriving_.front().due);
        due = acks_.empty() ? due : std::min(due, acks_.front().due);
        return next_ == 0 ? std::min(due, begin_) : due;
    }
    void advance(Instant now) {
        while (!arriving_.empty() && arriving_.front().due <= now) {
            receive(arriving_.front(), now);
            arriving_.pop_front();
        }
        if (ack_at_ <= now) {
            acknowledge(now);
        }
        while (!acks_.empty() && acks_.front().due <= now) {
            take(acks_.front(), now);
            acks_.pop_front();
        }
        if (timer_ <= now) {
            time_out(now);
        }
        if (begin_ <= now) {
            fill(now);
        }
    }

private:
    static constexpr double beta_cubic = 0.7;
    static constexpr double beta_reno = 0.5;
    static constexpr double cubic = 0.4;   // segments a cubed second
    static constexpr Duration ack_delay = 40ms;
    static constexpr Duration timer_min = 200ms;
    static constexpr Duration wobble = 1ms;   // of acknowledgements, so that nothing keeps step

    struct Parcel {
        Instant due;
        std::uint64_t number;
        std::uint64_t order;
        Instant left;
    };
    struct Ack {
        Instant due;
        std::vector<Parcel> of;
    };
    struct Segment {
        std::uint64_t order = 0;
        bool acked = false;
        bool lost = false;   // and not sent again yet
    };

    // The receiver.
    void receive(const Parcel& parcel, Instant now) {
        const bool in_order = parcel.number == expected_;
        owed_.push_back(parcel);
        if (in_order) {
            ++expected_;
            while (!beyond_.empty() && std::ranges::find(beyond_, expected_) != beyond_.end()) {
                std::erase(beyond_, expected_++);
            }
        } else if (parcel.number > expected_) {
            beyond_.push_back(parcel.number);
        }
        if (owed_.size() >= 2 || !in_order || !beyond_.empty()) {
            acknowledge(now);
        } else {
            ack_at_ = now + ack_delay;
        }
    }
    void acknowledge(Instant now) {
        const Duration later{
            static_cast<std::int64_t>(dice_.share() * static_cast<double>(Duration{wobble}.count()))};
        const Instant due = std::max(acks_.empty() ? now : acks_.back().due, now + one_way_ + later);
        acks_.push_back({due, std::exchange(owed_, {})});
        ack_at_ = Instant::never();
    }

    // The sender.
    void take(const Ack& ack, Instant now) {
        for (const Parcel& one : ack.of) {
            sample(now - one.left, one.number);
            newest_order_ = std::max(newest_order_, one.order);
            if (one.number < una_) {
                continue;
            }
            Segment& segment = window_[one.number - una_];
            if (!segment.acked) {
                flying_ -= segment.lost ? 0 : 1;
                segment.acked = true;
                ++newly_acked_;
            }
        }
        while (!window_.empty() && window_.front().acked) {
            window_.pop_front();
            ++una_;
        }
        timer_ = now + timeout();
        backoff_ = 0;
        find_losses();
        if (una_ > recover_ || !recovering_) {
            recovering_ = false;
            grow(static_cast<double>(newly_acked_), now);
        }
        newly_acked_ = 0;
    }
    void find_losses() {
        bool any = false;
        for (Segment& segment : window_) {
            if (!segment.acked && !segment.lost && segment.order + 3 <= newest_order_) {
                segment.lost = true;
                --flying_;
                any = true;
            }
        }
        if (any && !recovering_) {
            shrink();
            window_size_ = threshold_;
        }
    }
    void shrink() {
        recovering_ = true;
        recover_ = next_ - 1;
        most_ = window_size_ < most_ ? window_size_ * (1 + beta_cubic) / 2 : window_size_;
        threshold_ = std::max(window_size_ * (kind_ == Kind::cubic ? beta_cubic : beta_reno), 2.0);
        epoch_ = Instant::never();
    }
    void time_out(Instant now) {
        for (Segment& segment : window_) {
            segment.lost = !segment.acked;
        }
        flying_ = 0;
        shrink();
        window_size_ = 1;
        ++backoff_;
        timer_ = now + timeout();
    }
    Duration timeout() const {
        const Duration usual =
            smoothed_ == 0ns ? Duration{1s} : std::max<Duration>(smoothed_ + 4 * varies_, timer_min);
        return usual * (1 << std::min(backoff_, 6));
    }
    void sample(Duration trip, std::uint64_t number) {
        const Duration change = trip > smoothed_ ? trip - smoothed_ : smoothed_ - trip;
        varies_ = smoothed_ == 0ns ? trip / 2 : (3 * varies_ + change) / 4;
        smoothed_ = smoothed_ == 0ns ? trip : (7 * smoothed_ + trip) / 8;
        if (number >= round_end_) {
            round_end_ = next_;
            round_before_ = std::exchange(round_least_, trip);
            round_samples_ = 0;
        }
        round_least_ = std::min(round_least_, trip);
        const Duration more = std::clamp<Duration>(round_before_ / 8, 4ms, 16ms);
        if (kind_ == Kind::cubic && window_size_ < threshold_ && ++round_samples_ >= 8 &&
            round_before_ > 0ns && round_least_ >= round_before_ + more) {
            threshold_ = window_size_;
        }
    }
    void grow(double acked, Instant now) {
        if (window_size_ < threshold_) {
            window_size_ += acked;
        } else if (kind_ == Kind::reno) {
            window_size_ += acked / window_size_;
        } else {
            grow_cubic(acked, now);
        }
    }
    void grow_cubic(double acked, Instant now) {
        if (epoch_ == Instant::never()) {
            epoch_ = now;
            origin_ = std::max(most_, window_size_);
            shift_ = std::cbrt((origin_ - window_size_) / cubic);
            as_reno_ = window_size_;
        }
        const double at = static_cast<double>((now + smoothed_ - epoch_).count()) * 1e-9 - shift_;
        const double wanted = std::clamp(origin_ + cubic * at * at * at, window_size_, 1.5 * window_size_);
        const double slope = as_reno_ < most_ ? 3 * (1 - beta_cubic) / (1 + beta_cubic) : 1;
        as_reno_ += slope * acked / window_size_;
        const double grown = window_size_ + (wanted - window_size_) / window_size_ * acked;
        window_size_ = std::max(grown, as_reno_);
    }
    void fill(Instant now) {
        while (static_cast<double>(flying_) + 1 <= window_size_) {
            const auto lost = std::ranges::find(window_, true, &Segment::lost);
            const std::uint64_t number = una_ + static_cast<std::uint64_t>(lost - window_.begin());
            if (lost == window_.end()) {
                window_.emplace_back();
                ++next_;
            }
            Segment& segment = window_[number - una_];
            segment.lost = false;
            segment.order = ++order_;
            ++flying_;
            if (timer_ == Instant::never()) {
                timer_ = now + timeout();
            }
            if (const auto left = narrow_.pass(on_wire, now)) {
                passed += on_wire;
                arriving_.push_back({*left + one_way_, number, order_, now});
            }
        }
    }

    Kind kind_;
    Duration one_way_;
    Dice dice_;
    Bottleneck& narrow_;
    Instant begin_;

    std::deque<Parcel> arriving_;
    std::uint64_t expected_ = 0;
    std::vector<std::uint64_t> beyond_;
    std::vector<Parcel> owed_;
    Instant ack_at_ = Instant::never();
    std::deque<Ack> acks_;

    std::deque<Segment> window_;   // from una_ to next_
    std::uint64_t una_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t order_ = 0;
    std::uint64_t newest_order_ = 0;
    std::size_t flying_ = 0;
    std::size_t newly_acked_ = 0;
    double window_size_ = 10;   // segments
    double threshold_ = 1e9;
    bool recovering_ = false;
    std::uint64_t recover_ = 0;
    Instant timer_ = Instant::never();
    int backoff_ = 0;
    Duration smoothed_{};
    Duration varies_{};
    // CUBIC
    double most_ = 0;
    Instant epoch_ = Instant::never();
    double origin_ = 0;
    double shift_ = 0;   // seconds until it is reached
    double as_reno_ = 0;
    // HyStart++
    std::uint64_t round_end_ = 0;
    Duration round_before_{};
    Duration round_least_{};
    unsigned round_samples_ = 0;
};

}   // namespace millrace::kcp
