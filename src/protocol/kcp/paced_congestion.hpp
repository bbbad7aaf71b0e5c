#pragma once

#include "protocol/kcp/congestion.hpp"

#include <array>
#include <deque>

namespace millrace::kcp {

/// Ours: what is sent in one go arrives spread over time where the path is narrow. From that spread it learns
/// the path's rate and sends no faster, so that a burst waits here, where newer resends can pass it, and not
/// in a queue on the way. Loss says nothing to it.
class PacedCongestion final : public Congestion {
public:
    static constexpr std::uint64_t train_min = 15;   ///< datagrams after the first; shorter ones are jitter
    /// What jitter alone makes of a train; a wider one was spread by its path.
    static constexpr Duration spread_min = 76ms;
    static constexpr Duration measure_max = 200ms;   ///< a longer train gives several figures
    static constexpr Duration train_gap = 2ms;       ///< without sending, and nothing waits: it ends
    static constexpr double gain = 1.1;   ///< at 1.0 our own pace would be all that it ever measures
    static constexpr std::size_t rates_kept = 3;
    /// A train that arrives so much faster than the pace was not spread by its path: no more pacing.
    static constexpr double free_at = 1.4;
    static constexpr std::size_t marks_max = 4'096;

    Instant send_at() const override { return rate_ > 0 ? send_at_ : Instant{}; }
    bool keeps_back() const override { return rate_ > 0; }
    double rate() const override { return rate_; }

    void on_sent(const Sent& sent) override;
    void on_progress(const Progress& progress, const RoundTrip& path, Instant now) override;

private:
    struct Mark {
        std::uint64_t order;
        std::uint64_t bytes;   // sent until then
        std::uint64_t train;
    };
    struct Point {
        Mark mark{};
        Instant at;
    };
    void finish_measure();
    void take_rate(double bytes_a_second);

    std::deque<Mark> marks_;
    std::uint64_t bytes_ = 0;
    std::uint64_t train_ = 1;
    Instant last_sent_;
    bool waiting_ = false;   // something did, behind the last datagram
    Point from_;
    Point to_;
    std::array<double, rates_kept> rates_{};
    std::size_t next_rate_ = 0;
    double rate_ = 0;   // bytes a second; 0: not engaged
    Instant send_at_;
};

}   // namespace millrace::kcp
