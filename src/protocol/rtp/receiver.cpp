#include "protocol/rtp/receiver.hpp"

#include "base/byte_reader.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::rtp {

Result<Receiver> Receiver::make(const Format& format, const Options& options) {
    Result<std::unique_ptr<Depacketiser>> depacketiser = depacketiser_of(format);
    if (!depacketiser) {
        return std::unexpected(depacketiser.error());
    }
    return Receiver{format, options, std::move(*depacketiser)};
}

Receiver::Receiver(const Format& format, const Options& options, std::unique_ptr<Depacketiser> depacketiser)
    : format_{format},
      options_{options},
      depacketiser_{std::move(depacketiser)},
      buffer_{options.reorder_wait},
      clock_{format.clock_rate} {
}

/// Whether packets of that source are ours. Another takes over with its second packet in a row: one alone is
/// a stranger's, or damage.
bool Receiver::take_source(std::uint32_t ssrc) {
    if (ssrc_ == ssrc) {
        candidate_.reset();
        return true;
    }
    if (ssrc_ && candidate_ != ssrc) {
        candidate_ = ssrc;
        return false;
    }
    if (ssrc_) {
        ++counters_.sources;
        buffer_.restart();
        clock_.restart();
        ended_ = false;
    }
    ssrc_ = ssrc;
    candidate_.reset();
    return true;
}

void Receiver::receive(ByteSpan bytes, Instant now) {
    const Result<Packet> packet = read_packet(bytes);
    if (!packet || packet->header.payload_type != format_.payload_type || !take_source(packet->header.ssrc)) {
        ++counters_.packets_refused;
        return;
    }
    ++counters_.packets;
    counters_.bytes += bytes.size();
    if (report_due_ == Instant::never()) {
        report_due_ = now + 1s;
    }
    count_jitter(packet->header.timestamp, now);
    if (buffer_.waits()) {
        buffer_.push(bytes, packet->header.sequence, now);
        drain(now);
    } else if (const auto place = buffer_.pass(packet->header.sequence)) {
        take_in_order(*place, *packet);
    }
}

void Receiver::advance(Instant now) {
    drain(now);
}

void Receiver::drain(Instant now) {
    while (const std::optional<ReorderBuffer::Released> released = buffer_.pop(now)) {
        if (const Result<Packet> packet = read_packet(released->packet)) {   // as it could be before
            take_in_order(*released, *packet);
        }
    }
}

void Receiver::take_in_order(const ReorderBuffer::Place& place, const Packet& packet) {
    if (place.restarted) {
        depacketiser_->restart();
        times_.reset();
        first_sequence_.reset();
        discontinuity_ = true;
        lost_ = false;
    }
    first_sequence_ = first_sequence_.value_or(place.sequence);
    lost_ = lost_ || place.lost != 0;
    if (packet.payload.empty()) {
        ++counters_.packets_refused;
        return;
    }
    const std::optional<std::int64_t> before = times_.last();
    const std::int64_t timestamp = times_.follow(packet.header.timestamp);
    if (early_ && early_->ssrc == packet.header.ssrc) {
        clock_.report(early_->ntp, times_.extend(early_->timestamp));
    }
    early_.reset();
    const std::int64_t leap = timestamp_leap / 1s * std::int64_t{format_.clock_rate};
    if (before && std::abs(timestamp - *before) > leap) {
        ++counters_.leaps;
        depacketiser_->restart();
        discontinuity_ = true;
    }
    note_capture(packet, timestamp);
    depacketiser_->take({.timestamp = timestamp,
                         .marker = packet.header.marker,
                         .after_loss = std::exchange(lost_, false),
                         .payload = packet.payload});
}

// abs-capture-time (http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time): NTP u64 | offset s64, or
// not
void Receiver::note_capture(const Packet& packet, std::int64_t timestamp) {
    if (options_.capture_time_id == 0) {
        return;
    }
    const std::optional<ByteSpan> element = find_element(packet, options_.capture_time_id);
    if (!element || element->size() < 8) {
        return;
    }
    ByteReader reader{*element};
    if (const std::optional<WallTime> utc = believable_utc(reader.u64())) {
        captured_ = Captured{timestamp, *utc};
    }
}

std::optional<std::int64_t> Receiver::sender_time(const media::AccessUnit& unit) const {
    return clock_.at(media::rescale_nearest(unit.pts, unit.config->timescale, format_.clock_rate));
}

std::optional<media::AccessUnit> Receiver::next() {
    std::optional<media::AccessUnit> unit = depacketiser_->next();
    if (!unit) {
        return std::nullopt;
    }
    unit->discontinuity = unit->discontinuity || std::exchange(discontinuity_, false);
    if (unit->capture.label == media::CaptureTime::Label::capture) {
        return unit;
    }
    const std::int64_t timestamp =
        media::rescale_nearest(unit->pts, unit->config->timescale, format_.clock_rate);
    // The extension stands in one packet of a picture, and not in each: in between the RTP clock runs on.
    constexpr std::int64_t trusted_seconds = 2;
    const std::int64_t since = captured_ ? timestamp - captured_->timestamp : 0;
    std::optional<WallTime> utc = clock_.utc(timestamp);
    if (captured_ && std::abs(since) < trusted_seconds * format_.clock_rate) {
        const std::int64_t more = media::rescale_nearest(since, format_.clock_rate, 1'000'000);
        utc = WallTime{captured_->utc.microseconds + more};
    }
    if (utc) {
        unit->capture = {*utc, media::CaptureTime::Label::sender};
    }
    return unit;
}

void Receiver::receive_control(ByteSpan compound, Instant now) {
    const Result<std::vector<ControlPacket>> packets = read_control(compound);
    if (!packets || ++reports_read_ > reports_max) {
        ++counters_.control_refused;
        return;
    }
    for (const ControlPacket& packet : *packets) {
        if (const auto* report = std::get_if<SenderReport>(&packet)) {
            if (ssrc_ && report->ssrc != *ssrc_) {
                ++counters_.control_refused;
                continue;
            }
            if (times_.last()) {
                clock_.report(report->ntp, times_.extend(report->timestamp));
            } else {
                early_ = EarlyReport{report->ssrc, report->ntp, report->timestamp};
            }
            last_report_ = static_cast<std::uint32_t>(report->ntp >> 16U);
            last_report_at_ = now;
        } else if (const auto* bye = std::get_if<Bye>(&packet)) {
            ended_ = ended_ || std::ranges::find(bye->ssrcs, ssrc_) != bye->ssrcs.end();
        } else if (const auto* unpublished = std::get_if<Unpublished>(&packet)) {
            unpublished_ = unpublished_ || !ssrc_ || unpublished->ssrc == *ssrc_;
        }
    }
}

// RFC 3550 §A.8
void Receiver::count_jitter(std::uint32_t timestamp, Instant arrival) {
    const std::int64_t arrived = media::rescale(arrival.nanoseconds(), 1'000'000'000, format_.clock_rate);
    const std::int64_t transit = static_cast<std::uint32_t>(static_cast<std::uint32_t>(arrived) - timestamp);
    if (transit_) {
        const auto step = static_cast<std::int32_t>(static_cast<std::uint32_t>(transit - *transit_));
        jitter_ += (std::abs(static_cast<double>(step)) - jitter_) / 16;
    }
    transit_ = transit;
}

// RFC 3550 §A.3
ReportBlock Receiver::block(Instant now) {
    const std::int64_t highest = buffer_.highest().value_or(0);
    const std::uint64_t lost = buffer_.counters().lost;
    const auto expected = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, highest + 1 - first_sequence_.value_or(highest + 1)));
    const std::uint64_t expected_now = expected > expected_before_ ? expected - expected_before_ : 0;
    const std::uint64_t lost_now = std::min(lost - lost_before_, expected_now);
    expected_before_ = expected;
    lost_before_ = lost;
    const Duration since = now - last_report_at_;
    return {.ssrc = ssrc_.value_or(0),
            .fraction_lost = static_cast<std::uint8_t>(
                expected_now == 0 ? 0 : std::min<std::uint64_t>(255, lost_now * 256 / expected_now)),
            .lost = static_cast<std::int32_t>(std::min<std::uint64_t>(lost, 0x7FFFFF)),
            .highest_sequence = static_cast<std::uint32_t>(highest),
            .jitter = static_cast<std::uint32_t>(jitter_),
            .last_report = last_report_,
            .since_last_report = last_report_ == 0 ? 0
                                                   : static_cast<std::uint32_t>(media::rescale(
                                                         since.count(), 1'000'000'000, 65'536))};
}

/// Pictures come that cannot be shown, or somebody cannot wait.
bool Receiver::asks_key_frame(Instant now) const {
    const DepacketiserCounters& left_out = depacketiser_->counters();
    const bool blind = waiting() && left_out.units_broken + left_out.units_skipped != 0;
    return ssrc_ && (blind || key_frame_wanted_) &&
           (!key_frame_asked_ || now - *key_frame_asked_ >= key_frame_request_interval);
}

void Receiver::append_key_frame_request(std::vector<std::byte>& out, Instant now) {
    if (options_.full_intra) {
        write_full_intra(out, {.from = options_.own_ssrc, .of = *ssrc_, .number = key_frame_requests_++});
    } else {
        write_picture_loss(out, options_.own_ssrc, *ssrc_);
    }
    key_frame_asked_ = now;
    key_frame_wanted_ = false;
}

void Receiver::append_report(std::vector<std::byte>& out, std::string_view cname, Instant now) {
    const bool due = now >= report_due_;
    const bool asks = asks_key_frame(now);
    if (!due && !asks) {
        return;
    }
    // RFC 3550 §6.1: a compound begins with a report and names its source, whatever else it says.
    write_receiver_report(out, {.ssrc = options_.own_ssrc, .blocks = {block(now)}});
    write_description(out, {.ssrc = options_.own_ssrc, .cname = std::string{cname}});
    if (asks) {
        append_key_frame_request(out, now);
    }
    if (due) {
        report_due_ = now + report_interval;
        reports_read_ = 0;
    }
}

}   // namespace millrace::rtp
