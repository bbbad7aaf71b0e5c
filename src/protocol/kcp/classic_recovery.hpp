#pragma once

#include "protocol/kcp/recovery.hpp"

namespace millrace::kcp {

/// The reference's way: a timer for each segment, and counts of acknowledgements that pass it over. For peers
/// and comparisons; `order_recovery.hpp` is better. It runs on the conversation's ticks.
class ClassicRecovery final : public Recovery {
public:
    static constexpr std::int64_t rto_max_ms = 60'000;
    static constexpr Duration rto_at_first = 200ms;

    explicit ClassicRecovery(const Settings& settings) : settings_{settings} {}

    void on_sent(Outstanding& segment, const Sending& sending) override;
    Progress on_acks(SendWindow& window, const Acked& acked) override;
    void leave_gaps(Duration /*wait*/) override {}
    Losses examine(SendWindow& window, Instant now) override;
    Instant deadline() const override { return Instant::never(); }
    unsigned copies(const Outstanding& /*segment*/) const override { return 1; }
    bool loses_in_bursts() const override { return false; }
    double loss() const override { return loss_; }
    Duration reorder_window() const override { return 0ns; }

private:
    void sample(std::int64_t ms, Instant now);
    void back_off(Outstanding& segment) const;

    Settings settings_;
    Duration rto_ = rto_at_first;
    std::int64_t smoothed_ms_ = 0;
    std::int64_t variation_ms_ = 0;
    double loss_ = 0;
};

}   // namespace millrace::kcp
