#include "hub/meter.hpp"

#include <algorithm>

namespace millrace::hub {

void Meter::count(const media::AccessUnit& unit, Instant arrival) {
    TrackMeter& track = tracks_[unit.track % tracks_max];
    ++track.units;
    track.bytes += unit.payload.size();
    track.recent.push_back({arrival, static_cast<std::uint32_t>(unit.payload.size()), unit.qp.value_or(-1)});
    while (track.recent.size() > samples_max || arrival - track.recent.front().at > window) {
        track.recent.pop_front();
    }
    if (unit.kind() == media::Kind::video) {
        count_picture(unit, arrival);
    }
}

void Meter::count_picture(const media::AccessUnit& unit, Instant arrival) {
    const std::int64_t wait = unit.pts_ms() - unit.dts_ms();
    if (unit.key) {
        const std::int64_t at = unit.dts_ms();
        if (last_key_ms_ >= 0) {
            gops_ms_[gops_++ % gops_kept] = at - last_key_ms_;
            // Times in whole milliseconds vary by one.
            const std::int64_t varies = wait_max_ms_ - wait_min_ms_;
            reordering_ = varies > 1 ? varies * Duration{1ms} : Duration{};
        }
        last_key_ms_ = at;
        key_at_ = arrival;
        wait_min_ms_ = wait_max_ms_ = wait;
    }
    wait_min_ms_ = std::min(wait_min_ms_, wait);
    wait_max_ms_ = std::max(wait_max_ms_, wait);
}

Duration Meter::gop() const {
    return std::ranges::max(gops_ms_) * Duration{1ms};
}

void Meter::restart() {
    last_key_ms_ = -1;
    gops_ms_ = {};
    gops_ = 0;
    key_at_.reset();
    reordering_ = {};
}

void Meter::fill(TrackReport& report, const TrackMeter& meter, Instant now) {
    report.units = meter.units;
    report.bytes = meter.bytes;
    std::uint64_t bytes = 0;
    std::uint64_t units = 0;
    std::uint64_t with_qp = 0;
    std::int64_t qp_sum = 0;
    report.qp_min = INT8_MAX;
    for (const Sample& sample : meter.recent) {
        if (now - sample.at > window) {
            continue;
        }
        ++units;
        bytes += sample.bytes;
        if (sample.qp >= 0) {
            ++with_qp;
            qp_sum += sample.qp;
            report.qp_min = std::min<int>(report.qp_min, sample.qp);
            report.qp_max = std::max<int>(report.qp_max, sample.qp);
        }
    }
    const double seconds = std::chrono::duration<double>(window).count();
    report.units_per_second = static_cast<double>(units) / seconds;
    report.bits_per_second = static_cast<double>(bytes) * 8 / seconds;
    report.qp_average = with_qp > 0 ? static_cast<double>(qp_sum) / static_cast<double>(with_qp) : 0;
    report.qp_min = with_qp > 0 ? report.qp_min : 0;
}

void Meter::fill(StreamReport& report, Instant now) const {
    for (TrackReport& track : report.tracks) {
        fill(track, tracks_[track.track.id % tracks_max], now);
        report.units_in += track.units;
    }
    report.bytes_in = received_;
    report.units_dropped = early_ + unusable_;
    report.units_unusable = unusable_;
    report.gop_seconds = gops_ > 0 ? static_cast<double>(gops_ms_[(gops_ - 1) % gops_kept]) / 1000 : 0;
}

}   // namespace millrace::hub
