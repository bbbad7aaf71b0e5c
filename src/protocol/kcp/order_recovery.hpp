#pragma once

#include "protocol/kcp/lateness.hpp"
#include "protocol/kcp/recovery.hpp"

#include <deque>

namespace millrace::kcp {

/// Our own way. A segment is lost when a datagram that left after its last copy arrived, and it did not come
/// within the time that overtaken segments usually take. What has nothing behind it waits for the longest
/// round trip of late, and never while acknowledgements still come in.
class OrderRecovery final : public Recovery {
public:
    static constexpr Duration timer_before_a_sample = 200ms;
    static constexpr Duration timer_margin = 2ms;
    /// Where it is often wrong: where datagrams come later than others by more than this, or losses are many.
    static constexpr Duration timer_margin_careful = 4ms;
    static constexpr Duration in_order_max = 5ms;
    static constexpr Duration timer_max = 5s;
    /// Fewer round trips do not show the longest: the timer waits a quarter more.
    static constexpr std::uint64_t samples_few = 64;
    /// Since the last news, before the timer may fire; the second where losses are common.
    static constexpr Duration quiet_min = 30ms;
    static constexpr Duration quiet_min_lossy = 10ms;
    /// The timer sends the newest so many: the answer tells of the rest.
    static constexpr unsigned tail_max = 3;
    /// From the third fruitless timer on only so many segments ask whether anybody is there.
    static constexpr unsigned probes_max = 8;

    explicit OrderRecovery(const Settings& settings)
        : copies_max_{settings.copies_max}, fec_wait_{settings.fec_wait} {}

    static constexpr std::size_t repeats_remembered = 16;

    void on_sent(Outstanding& segment, const Sending& sending) override;
    void on_repeat(std::uint32_t sn, const Sending& sending) override;
    Progress on_acks(SendWindow& window, const Acked& acked) override;
    void leave_gaps(Duration wait) override { fec_wait_ = wait; }
    Losses examine(SendWindow& window, Instant now) override;
    Instant deadline() const override { return deadline_; }
    unsigned copies(const Outstanding& segment) const override;
    double loss() const override { return loss_.share(); }
    bool loses_in_bursts() const override;
    Duration reorder_window() const override { return window_; }

private:
    struct Repeat {
        std::uint32_t sn = 0;
        Transmission sent;
    };
    /// Which copy an acknowledgement is of; null: none that is known.
    Transmission* copy_of(SendWindow& window, const Echo& echo);
    void deliver(Outstanding& segment, const Transmission* copy, Instant now);
    void look_for_gap(Outstanding& segment, Instant now);
    Duration timer() const;
    Duration quiet() const;
    Instant tail_at(const Outstanding& segment) const;

    unsigned copies_max_;
    Duration fec_wait_;
    LossShare loss_;
    LossShare neighbours_;          // of those lost, whose neighbour was lost too
    std::uint32_t last_lost_ = 0;   // its number
    Lateness lateness_;
    Duration window_ = Lateness::at_first;
    std::uint64_t newest_order_ = 0;
    std::deque<Repeat> repeats_;
    Instant progress_at_;
    Instant timed_out_at_;
    unsigned fruitless_ = 0;   // timers since the last progress
    Instant deadline_ = Instant::never();
};

}   // namespace millrace::kcp
