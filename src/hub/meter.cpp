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
    if (unit.key && unit.kind() == media::Kind::video) {
        const std::int64_t at = unit.dts_ms();
        gop_ms_ = last_key_ms_ >= 0 ? at - last_key_ms_ : 0;
        last_key_ms_ = at;
    }
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
    report.units_dropped = dropped_;
    report.gop_seconds = static_cast<double>(gop_ms_) / 1000;
}

}   // namespace millrace::hub
