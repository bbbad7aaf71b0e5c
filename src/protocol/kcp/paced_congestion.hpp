#pragma once

#include "protocol/kcp/congestion.hpp"
#include "protocol/kcp/crowding.hpp"
#include "protocol/kcp/rate_probe.hpp"

#include <array>
#include <deque>

namespace millrace::kcp {

/// Ours: learns the rate of a narrow path and sends no faster, so that a burst waits here, where newer
/// resends can pass it, and not in a queue on the way. Loss alone says nothing to it. Two signs:
/// - what is sent in one go arrives spread over time: the rate is that of the arriving train;
/// - round trips stay longer than they ever were, a look after the other: the path's queue stands, and what
///   arrives meanwhile is all that the path gives. It sends less until the queue is empty.
/// Where the queue stays although it sends less, others fill it, or where it overflows again and again
/// (Crowding): then it is as fair as TCP, a little more each round trip, and much less where the queue
/// overflows. Where no queue is found and what it may send is
/// used, the rate rises, faster and faster; where the application would use more, a RateProbe looks for it.
class PacedCongestion final : public Congestion {
public:
    static constexpr std::uint64_t train_min = 15;   ///< datagrams after the first; shorter ones are jitter
    /// What jitter alone makes of a train; a wider one was spread by its path.
    static constexpr Duration spread_min = 76ms;
    static constexpr Duration spread_inside_min = 120ms;   ///< of what is left of a train
    static constexpr Duration measure_max = 200ms;         ///< a longer train gives several figures
    static constexpr Duration train_gap = 2ms;             ///< without sending, and nothing waits: it ends
    static constexpr double gain = 1.1;   ///< at 1.0 our own pace would be all that it ever measures
    static constexpr std::size_t rates_kept = 2;
    /// A train that arrives so much faster than the pace was not spread by its path: no more pacing.
    static constexpr double free_at = 1.4;
    static constexpr std::size_t marks_max = 4'096;
    /// What the path has room for beyond the pace: so much of resends need not wait.
    static constexpr Duration resends_ahead = 30ms;
    /// So many losses at once, behind a train that was spread so far, are those of a queue that overflowed.
    static constexpr unsigned overflow_losses = 16;
    static constexpr Duration overflow_spread = 30ms;
    static constexpr Duration overflow_shows_in = 300ms;

    static constexpr Duration look_min = 100ms;   ///< at round trips, and at what arrived
    static constexpr unsigned look_samples_min = 8;
    /// The smallest round trip of a look, over the smallest of all: a queue that stands, and none.
    static constexpr Duration standing_min = 50ms;
    static constexpr Duration calm_max = 25ms;
    static constexpr Duration drained_in = 700ms;   ///< a queue of our own
    static constexpr double drain_rate_min = 0.4;
    /// After so long a queue that did not shrink by a third is that of others.
    static constexpr Duration ours_drains_in = 2s;
    static constexpr Duration others_leave_in = 2s;
    /// What a timer may be late by: it sends that much at once then.
    static constexpr Duration late_max = 1ms;

    Instant send_at() const override { return rate_ > 0 ? send_at_ : Instant{}; }
    Instant resend_at() const override {
        return rate_ == 0 ? Instant{} : mode_ == Mode::ours ? send_at_ - resends_ahead : send_at_;
    }
    bool keeps_back() const override { return rate_ > 0; }
    double rate() const override { return rate_; }
    bool repeat_due() const override { return rate_ > 0 && seeker_.sending(); }
    void seek(bool more) override { seeker_.seek(more); }

    void on_sent(const Sent& sent) override;
    void on_progress(const Progress& progress, const RoundTrip& path, Instant now) override;
    void on_losses(const Losses& losses, std::size_t in_flight) override;

private:
    struct Mark {
        std::uint64_t order;
        std::uint64_t bytes;   // sent until then
        std::uint64_t train;
        double pace;   // bytes a second that it was sent at; 0: at once
    };
    struct Point {
        Mark mark{};
        std::uint64_t delivered = 0;   // bytes until then
        Instant at;
        bool inside = false;   // of a train that was measured before
    };
    /// Some round trips in a row.
    struct Look {
        Point from;
        Duration smallest{};
        unsigned samples = 0;
    };
    enum class Mode : std::uint8_t { ours, draining, others };

    bool seek_room(const Sent& sent, bool begins);
    void find_room(const Point& point);
    void take_point(const Point& point);
    void finish_measure();
    void take_rate(double bytes_a_second);
    void take_sample(const Point& point, const RoundTrip& path);
    void finish_look(const Point& to, const RoundTrip& path);
    void stand(Duration queue, double arriving, Instant now);
    void stay_calm(double used);
    void compete(double arriving, const RoundTrip& path);
    double learnt() const;

    std::deque<Mark> marks_;
    std::uint64_t bytes_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t train_ = 1;
    Instant last_sent_;
    bool waiting_ = false;   // something did, behind the last datagram
    Point from_;
    Point to_;
    std::array<double, rates_kept> rates_{};
    std::size_t next_rate_ = 0;
    double rate_ = 0;         // bytes a second; 0: not engaged
    double last_train_ = 0;   // bytes a second, of one that was spread a little
    Point last_train_end_;
    unsigned losses_ = 0;   // since then
    Instant send_at_;

    Mode mode_ = Mode::ours;
    Look look_;
    Instant look_after_;      // what was changed does not show before
    unsigned standing_ = 0;   // looks in a row
    unsigned calm_ = 0;
    double used_ = 0;    // of the rate, in the last looks
    double probe_ = 1;   // over what was learnt
    Crowding crowding_;
    RateProbe seeker_;
    Duration ahead_{};   // of the usual pace, by it
    RoundTrip path_;
    Instant now_;   // of it
    double usual_loss_ = 0;
    Instant drain_began_;
    Duration drain_from_{};
    double share_ = 0;   // what arrived when the drain began
    Instant crowded_at_;
};

}   // namespace millrace::kcp
