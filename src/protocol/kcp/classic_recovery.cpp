#include "protocol/kcp/classic_recovery.hpp"

#include "protocol/kcp/order_recovery.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::kcp {

void ClassicRecovery::on_sent(Outstanding& segment, const Sending& sending) {
    ++segment.rounds;
    segment.remember({.order = sending.order, .at = sending.now, .ts = sending.ts, .round = segment.rounds});
    segment.lost = false;
    if (segment.rounds == 1) {
        segment.rto = rto_;
        segment.resend_at = sending.now + rto_ + (settings_.nodelay == 0 ? rto_ / 8 : 0ns);
    } else {
        segment.resend_at = sending.now + segment.rto;
    }
}

void ClassicRecovery::sample(std::int64_t ms, Instant now) {
    if (smoothed_ms_ == 0) {
        smoothed_ms_ = ms;
        variation_ms_ = ms / 2;
    } else {
        variation_ms_ = (3 * variation_ms_ + std::abs(ms - smoothed_ms_)) / 4;
        smoothed_ms_ = (7 * smoothed_ms_ + ms) / 8;
    }
    smoothed_ms_ = std::max<std::int64_t>(smoothed_ms_, 1);
    const std::int64_t interval = settings_.interval / 1ms;
    const std::int64_t rto = smoothed_ms_ + std::max(interval, 4 * variation_ms_);
    rto_ = std::clamp(rto, std::int64_t{settings_.rto_min / 1ms}, rto_max_ms) * 1ms;
    round_trip_.add(ms * 1ms, now);
}

Progress ClassicRecovery::on_acks(SendWindow& window, const Acked& acked) {
    Progress progress;
    const Echo* furthest = nullptr;
    for (const Echo& echo : acked.echoes) {
        const auto now_ms = static_cast<std::uint32_t>(acked.now.nanoseconds() / 1'000'000);
        const std::int32_t round_trip = ahead(now_ms, echo.ts);
        if (round_trip >= 0) {
            sample(std::min<std::int64_t>(round_trip, rto_max_ms), acked.now);
        }
        if (furthest == nullptr || ahead(echo.sn, furthest->sn) > 0) {
            furthest = &echo;
        }
        if (window.holds(echo.sn) && !window.at(echo.sn).delivered) {
            Outstanding& segment = window.at(echo.sn);
            segment.delivered = true;
            segment.lost = false;
            progress.newest_order = segment.last().order;
            progress.count(segment);
        }
    }
    for (std::uint32_t sn = window.una(); sn != acked.una; ++sn) {
        if (!window.at(sn).delivered) {
            progress.count(window.at(sn));
        }
        window.at(sn).delivered = true;
    }
    if (furthest == nullptr || !window.holds(furthest->sn)) {
        return progress;
    }
    for (std::uint32_t sn = acked.una; ahead(furthest->sn, sn) > 0; ++sn) {
        Outstanding& segment = window.at(sn);
        if (!segment.delivered && ahead(segment.last().ts, furthest->ts) <= 0) {
            ++segment.skipped;
        }
    }
    return progress;
}

void ClassicRecovery::back_off(Outstanding& segment) const {
    if (settings_.nodelay == 0) {
        segment.rto += std::max(segment.rto, rto_);
    } else {
        segment.rto += (settings_.nodelay == 1 ? segment.rto : rto_) / 2;
    }
    segment.rto = std::min<Duration>(segment.rto, rto_max_ms * 1ms);
}

Losses ClassicRecovery::examine(SendWindow& window, Instant now) {
    Losses losses;
    for (std::uint32_t sn = window.una(); sn != window.next(); ++sn) {
        Outstanding& segment = window.at(sn);
        if (segment.delivered) {
            continue;
        }
        const bool may = settings_.fast_resends_max == 0 || segment.rounds <= settings_.fast_resends_max;
        if (segment.resend_at <= now) {
            back_off(segment);
            segment.lost = true;
            ++losses.by_timer;
        } else if (settings_.resend != 0 && segment.skipped >= settings_.resend && may) {
            segment.skipped = 0;
            segment.lost = true;
            ++losses.by_gap;
        }
    }
    return losses;
}

std::unique_ptr<Recovery> make_recovery(const Settings& settings) {
    if (settings.recovery == RecoveryKind::classic) {
        return std::make_unique<ClassicRecovery>(settings);
    }
    return std::make_unique<OrderRecovery>(settings);
}

}   // namespace millrace::kcp
