#include "protocol/kcp/classic_congestion.hpp"

#include "protocol/kcp/paced_congestion.hpp"

#include <algorithm>

namespace millrace::kcp {

void ClassicCongestion::on_progress(const Progress& progress, const RoundTrip& /*path*/, Instant /*now*/) {
    if (progress.delivered == 0 || window_ >= Settings::window_max) {
        return;
    }
    if (window_ < threshold_) {
        ++window_;
        bytes_ += segment_;
        return;
    }
    bytes_ = std::max(bytes_, segment_);
    bytes_ += segment_ * segment_ / bytes_ + segment_ / 16;
    if ((window_ + 1) * segment_ <= bytes_) {
        window_ = (bytes_ + segment_ - 1) / segment_;
    }
}

void ClassicCongestion::on_losses(const Losses& losses, std::size_t in_flight) {
    if (losses.by_gap > 0) {
        threshold_ = std::max<std::size_t>(in_flight / 2, 2);
        window_ = threshold_ + resend_;
        bytes_ = window_ * segment_;
    }
    if (losses.by_timer > 0) {
        threshold_ = std::max<std::size_t>(window_ / 2, 2);
        window_ = 1;
        bytes_ = segment_;
    }
}

std::unique_ptr<Congestion> make_congestion(const Settings& settings) {
    switch (settings.congestion) {
        case CongestionKind::classic: return std::make_unique<ClassicCongestion>(settings);
        case CongestionKind::paced: return std::make_unique<PacedCongestion>();
        case CongestionKind::off: break;
    }
    return std::make_unique<Congestion>();
}

}   // namespace millrace::kcp
