#include "session/rtp_intake.hpp"

#include "base/log.hpp"
#include "protocol/rtp/klv.hpp"
#include "protocol/rtsp/track_payloads.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::string_view cname = "millrace";

}   // namespace

std::vector<RtpIntake::Line> RtpIntake::usable_lines(const sdp::Description& description,
                                                     std::vector<std::string>& remarks) {
    std::vector<Line> lines;
    for (std::size_t i = 0; i < description.media.size(); ++i) {
        const sdp::Media& media = description.media[i];
        const auto leave_out = [&](std::string_view why) {
            remarks.push_back(
                fmt::format("the track {} ({}) is left out: {}", i + 1, log::escaped(media.kind, 16), why));
        };
        const Result<rtp::Format> format = rtsp::payload_of(media);
        const Result<rtp::Receiver> receiver =
            format ? rtp::Receiver::make(*format, {}) : Result<rtp::Receiver>{fail(Errc::unsupported, "")};
        if (!format || !receiver) {
            leave_out(format ? receiver.error().what : format.error().what);
        } else if (lines.size() == tracks_max) {
            leave_out("there are too many");
        } else {
            lines.push_back({.media = static_cast<unsigned>(i),
                             .format = *format,
                             .capture_time_id = media.capture_time_id,
                             .full_intra = media.full_intra && !media.picture_loss});
        }
    }
    return lines;
}

RtpIntake::RtpIntake(std::span<const Line> lines, const Options& options) {
    for (const Line& line : lines.first(std::min(lines.size(), tracks_max))) {
        Result<rtp::Receiver> receiver =
            rtp::Receiver::make(line.format, {.reorder_wait = options.reorder_wait,
                                              .own_ssrc = options.own_ssrc,
                                              .capture_time_id = line.capture_time_id,
                                              .full_intra = line.full_intra});
        if (receiver) {
            const auto track = static_cast<media::TrackId>(
                std::ranges::count_if(streams_, [](const Stream& one) { return !is_klv(one); }));
            streams_.push_back({line.media, track, std::move(*receiver)});
        }
    }
}

std::vector<media::Track> RtpIntake::tracks() const {
    std::vector<media::Track> tracks;
    for (const Stream& stream : streams_) {
        // What a transport stream carries it says itself.
        if (stream.receiver.format().encoding != rtp::Encoding::mpeg_ts && !is_klv(stream)) {
            tracks.push_back({.id = stream.track,
                              .kind = rtp::kind_of(stream.receiver.format().encoding),
                              .language = {},
                              .config = stream.receiver.config()});
        }
    }
    return tracks;
}

void RtpIntake::begin_at(std::span<const Start> starts) {
    const auto start_of = [&](const Stream& stream) {
        return std::ranges::find(starts, stream.media, &Start::media);
    };
    // KLV may be rare: nobody could say yet where it begins.
    const auto is_told = [&](const Stream& one) { return start_of(one) != starts.end(); };
    if (!std::ranges::all_of(streams_, [&](const Stream& one) { return is_klv(one) || is_told(one); })) {
        return;
    }
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (!is_told(streams_[i])) {
            continue;
        }
        const std::uint32_t rate = streams_[i].receiver.format().clock_rate;
        const std::uint64_t microseconds = std::uint64_t{start_of(streams_[i])->timestamp} * 1'000'000 / rate;
        alignment_.begins_at(i, microseconds * 1us);
    }
}

RtpIntake::Stream* RtpIntake::of(unsigned media) {
    const auto stream = std::ranges::find(streams_, media, &Stream::media);
    return stream == streams_.end() ? nullptr : &*stream;
}

void RtpIntake::receive(unsigned media, ByteSpan packet, Instant now) {
    if (Stream* const stream = of(media)) {
        stream->receiver.receive(packet, now);
    }
}

void RtpIntake::receive_control(unsigned media, ByteSpan packet, Instant now) {
    if (Stream* const stream = of(media)) {
        stream->receiver.receive_control(packet, now);
    }
}

void RtpIntake::advance(Instant now) {
    for (Stream& stream : streams_) {
        stream.receiver.advance(now);
    }
}

Instant RtpIntake::deadline() const {
    Instant first = Instant::never();
    for (const Stream& stream : streams_) {
        first = std::min(first, stream.receiver.deadline());
    }
    return first;
}

std::optional<media::AccessUnit> RtpIntake::next(Instant now) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        Stream& stream = streams_[i];
        while (std::optional<media::AccessUnit> unit = stream.receiver.next()) {
            if (is_klv(stream)) {
                take_klv(i, std::move(*unit), now);
                continue;
            }
            begun_ = true;
            stream.left_out_early = stream.left_out_early.value_or(left_out(stream));
            // A transport stream has tracks and times of its own; reports speak of RTP's.
            const bool own_times = stream.receiver.format().encoding == rtp::Encoding::mpeg_ts;
            const auto sender_time = own_times ? std::nullopt : stream.receiver.sender_time(*unit);
            unit->track = static_cast<media::TrackId>(stream.track + (own_times ? unit->track : 0));
            alignment_.place(i, *unit, now, sender_time);
            return unit;
        }
    }
    return std::nullopt;
}

/// Before the first picture or sound it is nobody's, and is not to set the pace.
void RtpIntake::take_klv(std::size_t index, media::AccessUnit unit, Instant now) {
    if (begun_ && messages_.size() < hub::Publication::messages_max) {
        alignment_.place(index, unit, now, streams_[index].receiver.sender_time(unit));
        messages_.push_back(rtp::klv_message(unit));
    }
}

bool RtpIntake::has_klv() const {
    return std::ranges::any_of(streams_, is_klv);
}

void RtpIntake::ask_key_frame() {
    for (Stream& stream : streams_) {
        const rtp::Encoding encoding = stream.receiver.format().encoding;
        if (rtp::kind_of(encoding) == media::Kind::video && encoding != rtp::Encoding::jpeg) {
            stream.receiver.ask_key_frame();
        }
    }
}

std::optional<RtpIntake::Report> RtpIntake::next_report(Instant now) {
    for (Stream& stream : streams_) {
        Report report{.media = stream.media, .bytes = {}};
        stream.receiver.append_report(report.bytes, cname, now);
        if (!report.bytes.empty()) {
            return report;
        }
    }
    return std::nullopt;
}

std::uint64_t RtpIntake::packets() const {
    std::uint64_t sum = 0;
    for (const Stream& stream : streams_) {
        sum += stream.receiver.counters().packets;
    }
    return sum;
}

std::uint64_t RtpIntake::left_out(const Stream& stream) {
    const rtp::DepacketiserCounters& counters = stream.receiver.depacketiser();
    return counters.units_broken + counters.units_refused + counters.units_skipped;
}

std::uint64_t RtpIntake::take_dropped() {
    std::uint64_t sum = 0;
    for (const Stream& stream : streams_) {
        sum += stream.left_out_early ? left_out(stream) - *stream.left_out_early : 0;
    }
    return sum - std::exchange(dropped_told_, sum);
}

hub::PacketLoss RtpIntake::take_packet_loss() {
    hub::PacketLoss sum;
    for (const Stream& stream : streams_) {
        sum.lost += stream.receiver.loss().lost;
        sum.late += stream.receiver.loss().late;
    }
    const hub::PacketLoss told = std::exchange(loss_told_, sum);
    return {sum.lost - told.lost, sum.late - told.late};
}

bool RtpIntake::waits_for_key_frame() const {
    return std::ranges::any_of(streams_, [](const Stream& one) { return one.receiver.waiting(); });
}

bool RtpIntake::ended() const {
    return all_media([](const rtp::Receiver& one) { return one.ended(); });
}

bool RtpIntake::unpublished() const {
    return all_media([](const rtp::Receiver& one) { return one.unpublished(); });
}

}   // namespace millrace::session
