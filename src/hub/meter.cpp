#include "hub/meter.hpp"

#include "media/time.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::hub {

namespace {

constexpr Duration short_window = 1s;
constexpr Duration long_window = 10s;
/// Units of one track further apart are of two takes: what lies between them is no rate and no jitter.
constexpr Duration apart_max = 10s;
constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

/// Of a picture as 8-bit 4:2:0.
std::uint64_t raw_size(const media::TrackConfig& config) {
    return std::uint64_t{config.width} * config.height * 3 / 2;
}

}   // namespace

Meter::Share& Meter::Share::operator+=(const Share& other) {
    bytes += other.bytes;
    raw_bytes += other.raw_bytes;
    coded_bytes += other.coded_bytes;
    media += other.media;
    units += other.units;
    timed += other.timed;
    captured += other.captured;
    with_slice_qp += other.with_slice_qp;
    with_coded_qp += other.with_coded_qp;
    slice_qp += other.slice_qp;
    coded_qp += other.coded_qp;
    qp_min = std::min(qp_min, other.qp_min);
    qp_max = std::max(qp_max, other.qp_max);
    return *this;
}

void Meter::count_received(std::size_t bytes, Instant arrival) {
    received_ += bytes;
    wire_.at(arrival) += bytes;
}

void Meter::count(const media::AccessUnit& unit, Instant arrival) {
    TrackMeter& track = tracks_[unit.track % tracks_max];
    Share& share = track.recent.at(arrival);
    ++track.units;
    track.bytes += unit.payload.size();
    ++share.units;
    share.bytes += unit.payload.size();
    count_time(track, share, unit, arrival);
    if (unit.kind() == media::Kind::video) {
        count_quality(track, share, unit);
        count_picture(unit, arrival);
    }
}

void Meter::count_time(TrackMeter& track, Share& share, const media::AccessUnit& unit, Instant arrival) {
    const Duration time{media::rescale(unit.dts, unit.config->timescale, nanoseconds_a_second)};
    const Duration transit = Duration{arrival.nanoseconds()} - time;
    const Duration step = track.last ? time - *track.last : Duration{};
    if (track.last && !unit.discontinuity && step > 0ns && step <= apart_max) {
        share.media += step;
        ++share.timed;
        const Duration apart = transit - *track.transit;
        // RFC 3550 §A.8
        if (apart > -apart_max && apart < apart_max) {
            track.jitter_ns += (std::abs(static_cast<double>(apart.count())) - track.jitter_ns) / 16;
        }
    }
    track.last = time;
    track.transit = transit;
}

/// Encoders that reorder pictures let a lower number follow a higher one.
void Meter::count_camera(TrackMeter& track, Share& share, std::uint32_t number) {
    const auto step = static_cast<std::int32_t>(number - track.number.value_or(number - 1));
    const bool another = step > camera_leap || step < -camera_leap;
    if (another || step > 0) {
        const std::uint32_t more = another ? 1 : static_cast<std::uint32_t>(step);
        track.captured += more;
        share.captured += more;
        track.number = number;
    }
    ++track.numbered;
}

void Meter::count_quality(TrackMeter& track, Share& share, const media::AccessUnit& unit) {
    if (const std::uint64_t raw = raw_size(*unit.config); raw > 0) {
        share.raw_bytes += raw;
        share.coded_bytes += unit.payload.size();
    }
    if (unit.camera_number) {
        count_camera(track, share, *unit.camera_number);
    }
    if (unit.coded_qp) {
        ++share.with_coded_qp;
        share.coded_qp += *unit.coded_qp;
    }
    if (!unit.slice_qp) {
        return;
    }
    const media::SliceQp& qp = *unit.slice_qp;
    ++share.with_slice_qp;
    share.slice_qp += qp.average;
    share.qp_min = std::min(share.qp_min, qp.min);
    share.qp_max = std::max(share.qp_max, qp.max);
    SliceQpCounts& counts = track.slice_qp;
    const auto bound = std::ranges::find_if(SliceQpCounts::bounds,
                                            [&qp](int one) { return qp.average <= static_cast<float>(one); });
    if (bound != SliceQpCounts::bounds.end()) {
        ++counts.at_most[static_cast<std::size_t>(bound - SliceQpCounts::bounds.begin())];
    }
    ++counts.count;
    counts.sum += static_cast<double>(qp.average);
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
    for (TrackMeter& track : tracks_) {
        track.last.reset();
        track.transit.reset();
        track.number.reset();
    }
}

std::optional<double> Meter::slice_qp(Instant now) const {
    for (const TrackMeter& track : tracks_) {
        const Share share = track.recent.last(short_window, now);
        if (share.with_slice_qp > 0) {
            return static_cast<double>(share.slice_qp) / share.with_slice_qp;
        }
    }
    return std::nullopt;
}

void Meter::fill_quality(TrackReport& report, const TrackMeter& meter, Instant now) {
    const Share second = meter.recent.last(short_window, now);
    const Share ten = meter.recent.last(long_window, now);
    const Share& slices = second.with_slice_qp > 0 ? second : ten;
    if (slices.with_slice_qp > 0) {
        report.slice_qp = SliceQpReport{static_cast<double>(slices.slice_qp) / slices.with_slice_qp,
                                        slices.qp_min, slices.qp_max};
    }
    const Share& coded = second.with_coded_qp > 0 ? second : ten;
    if (coded.with_coded_qp > 0) {
        report.coded_qp = static_cast<double>(coded.coded_qp) / coded.with_coded_qp;
    }
    if (ten.raw_bytes > 0 && ten.coded_bytes > 0) {
        report.compression_ratio = static_cast<double>(ten.raw_bytes) / static_cast<double>(ten.coded_bytes);
    }
    report.slice_qp_counts = meter.slice_qp;
    for (std::size_t i = 1; i < report.slice_qp_counts.at_most.size(); ++i) {
        report.slice_qp_counts.at_most[i] += report.slice_qp_counts.at_most[i - 1];
    }
}

void Meter::fill(TrackReport& report, const TrackMeter& meter, Instant now) {
    report.units = meter.units;
    report.bytes = meter.bytes;
    const Share second = meter.recent.last(short_window, now);
    const Share ten = meter.recent.last(long_window, now);
    const double seconds = meter.recent.seconds(long_window, now);
    report.units_per_second = {static_cast<double>(second.units), static_cast<double>(ten.units) / seconds};
    report.bits_per_second = {static_cast<double>(second.bytes) * 8,
                              static_cast<double>(ten.bytes) * 8 / seconds};
    if (ten.timed > 0) {
        report.encoded_per_second = ten.timed / std::chrono::duration<double>(ten.media).count();
    }
    report.captured = meter.captured;
    report.missing = meter.captured > meter.numbered ? meter.captured - meter.numbered : 0;
    report.captured_per_second = ten.captured / seconds;
    report.jitter = Duration{std::llround(meter.jitter_ns)};
    fill_quality(report, meter, now);
}

void Meter::fill(StreamReport& report, Instant now) const {
    for (TrackReport& track : report.tracks) {
        fill(track, tracks_[track.track.id % tracks_max], now);
        report.units_in += track.units;
        report.payload_bits_per_second.second += track.bits_per_second.second;
        report.payload_bits_per_second.ten += track.bits_per_second.ten;
        if (report.compression_ratio <= 0) {
            report.compression_ratio = track.compression_ratio;
        }
    }
    report.bytes_in = received_;
    report.wire_bits_per_second = {
        static_cast<double>(wire_.last(short_window, now)) * 8,
        static_cast<double>(wire_.last(long_window, now)) * 8 / wire_.seconds(long_window, now)};
    report.units_dropped = early_ + unusable_;
    report.units_unusable = unusable_;
    report.packets_lost = packets_lost_;
    report.packets_late = packets_late_;
    report.chunks = chunks_;
    report.gop_seconds = gops_ > 0 ? static_cast<double>(gops_ms_[(gops_ - 1) % gops_kept]) / 1000 : 0;
}

}   // namespace millrace::hub
