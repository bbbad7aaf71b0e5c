#pragma once

#include "protocol/kcp/congestion.hpp"

namespace millrace::kcp {

/// The reference's window: slow start, then a segment more each round trip, half at a gap, one at a timer.
/// It takes every loss for a full path, so a lossy path starves it.
class ClassicCongestion final : public Congestion {
public:
    explicit ClassicCongestion(const Settings& settings)
        : segment_{settings.segment_max()}, resend_{settings.resend} {}

    std::size_t window() const override { return window_; }
    void on_progress(const Progress& progress, const RoundTrip& path, Instant now) override;
    void on_losses(const Losses& losses, std::size_t in_flight) override;

private:
    std::size_t segment_;
    unsigned resend_;
    std::size_t window_ = 1;
    std::size_t threshold_ = 2;
    std::size_t bytes_ = 0;   // what the window grows by, less than a segment at a time
};

}   // namespace millrace::kcp
