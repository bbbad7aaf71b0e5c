#include "protocol/rtsp/muxer.hpp"

#include "base/byte_reader.hpp"
#include "media/time.hpp"
#include "protocol/rtp/klv.hpp"
#include "protocol/rtp/rtcp.hpp"
#include "protocol/rtsp/track_payloads.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::rtsp {

namespace {

constexpr std::string_view cname = "millrace";
constexpr Duration report_interval = 1s;

}   // namespace

media::Track klv_track() {
    return {.id = ChannelPlan::klv,
            .kind = media::Kind::data,
            .language = {},
            .config = rtp::klv_config(static_cast<std::uint32_t>(media::TimedMessage::timescale))};
}

bool same_format(const rtp::Format& a, const rtp::Format& b) {
    const bool in_band = a.encoding == rtp::Encoding::h264 || a.encoding == rtp::Encoding::h265;
    return a.encoding == b.encoding && a.clock_rate == b.clock_rate && a.channels == b.channels &&
           (in_band || a.parameters == b.parameters);
}

std::optional<WallTime> ReportClock::at(const media::AccessUnit& unit) {
    const std::int64_t time = media::rescale_nearest(unit.pts, unit.config->timescale, 1'000'000);
    if (unit.capture.utc != WallTime{}) {
        const std::int64_t seen = unit.capture.utc.microseconds - time;
        const std::int64_t off = offset_ ? seen - *offset_ : 0;
        if (!offset_ || std::abs(off) > step_min / 1us) {
            offset_ = seen;
        } else {
            const std::int64_t step = std::max<std::int64_t>(0, time - newest_) * slew_permille / 1'000;
            *offset_ += std::clamp(off, -step, step);
        }
    }
    newest_ = std::max(newest_, time);
    return offset_ ? std::optional{WallTime{time + *offset_}} : std::nullopt;
}

std::uint64_t ChannelPlan::packed() const {
    std::uint64_t packed = 0;
    for (const std::uint16_t channel : channels_) {
        packed = packed << 8U | (channel & 0xFFU);
    }
    return packed;
}

bool Muxer::carries(const media::Track& track) const {
    if (track.id >= ChannelPlan::tracks_max || !plan_.of(track.id) || track.kind == media::Kind::data) {
        return false;
    }
    return track.config == nullptr || rtp::format_of(*track.config, 96).has_value();
}

bool Muxer::configure_one(const media::Track& track) {
    const auto known = std::ranges::find(streams_, track.id, &Stream::track);
    if (known != streams_.end()) {
        const Result<rtp::Format> format =
            rtp::format_of(*track.config, known->sender->format().payload_type);
        return format && same_format(*format, known->sender->format());
    }
    const Result<rtp::Format> format = format_of(track);
    if (!format) {
        return true;   // left out, as carries() said
    }
    streams_.push_back(
        {.track = track.id,
         .sender = std::make_unique<rtp::Sender>(
             *format, rtp::PacketNumbering{.payload_type = format->payload_type,
                                           .ssrc = random_.next_u32(),
                                           .sequence = static_cast<std::uint16_t>(random_.next_u32()),
                                           .timestamp = random_.next_u32(),
                                           .channel = plan_.of(track.id)})});
    return true;
}

bool Muxer::configure(std::span<const media::Track> tracks, BlockLog&, Instant) {
    if (plan_.of(ChannelPlan::klv) && klv_ == nullptr) {
        const media::Track klv = klv_track();
        klv_ = klv.config;
        configure_one(klv);
    }
    return std::ranges::all_of(tracks, [this](const media::Track& track) {
        const bool taken = track.id < ChannelPlan::tracks_max && plan_.of(track.id);
        return track.config == nullptr || !taken || configure_one(track);
    });
}

std::vector<std::byte> Muxer::report_due(Stream& stream, Instant now) {
    std::vector<std::byte> bytes;
    if (stream.has_reported && now - stream.reported < report_interval) {
        return bytes;
    }
    stream.sender->append_report(bytes, cname);
    if (!bytes.empty()) {
        stream.reported = now;
        stream.has_reported = true;
    }
    return bytes;
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    if (unit.track < ChannelPlan::tracks_max) {
        send(unit, log, now);
    }
}

void Muxer::message(const media::TimedMessage& message, BlockLog& log, Instant now) {
    if (message.kind == media::TimedMessage::Kind::klv && klv_ != nullptr) {
        media::AccessUnit unit = rtp::klv_unit(message, klv_);
        unit.track = ChannelPlan::klv;
        send(unit, log, now);
    }
}

void Muxer::send(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    const auto stream = std::ranges::find(streams_, unit.track, &Stream::track);
    if (stream == streams_.end()) {
        return;
    }
    rtp::Packets& packets = stream->sender->packets();
    packets.clear();
    const Result<> written = stream->sender->write(unit);
    if (const std::optional<WallTime> utc = clock_.at(unit)) {
        stream->sender->set_utc(*utc);
    }
    if (!written || packets.count() == 0) {
        return;
    }
    // The first report of a track stands before its first packets: who gets these must know by then how the
    // tracks lie together, or it lays them by their arrival.
    const bool first = !stream->has_reported;
    const std::vector<std::byte> report = report_due(*stream, now);
    if (first && !report.empty()) {
        log.message({report, packets.bytes}, now);
        return;
    }
    log.message({packets.bytes}, now);
    if (!report.empty()) {
        log.message({report}, now);
    }
}

Bytes Muxer::resume() const {
    std::vector<std::byte> bytes;
    for (const Stream& stream : streams_) {
        stream.sender->append_report(bytes, cname);
    }
    return Bytes{std::move(bytes)};
}

void Muxer::unpublished(BlockLog& log, Instant now) {
    log_each(rtp::write_unpublished, log, now);
}

void Muxer::end(BlockLog& log, Instant now) {
    log_each(rtp::write_bye, log, now);
}

void Muxer::log_each(void (*write)(std::vector<std::byte>&, std::uint32_t), BlockLog& log,
                     Instant now) const {
    std::vector<std::byte> bytes;
    for (const Stream& stream : streams_) {
        const rtp::PacketNumbering& numbering = stream.sender->numbering();
        std::vector<std::byte> compound;
        rtp::write_receiver_report(compound, {.ssrc = numbering.ssrc, .blocks = {}});
        write(compound, numbering.ssrc);
        ByteWriter writer{bytes};
        rtp::write_interleaved_head(writer, static_cast<std::uint8_t>(*numbering.channel + 1),
                                    compound.size());
        writer.bytes(compound);
    }
    if (!bytes.empty()) {
        log.message({bytes}, now);
    }
}

std::vector<FirstPacket> first_packets(ByteSpan frames) {
    std::vector<FirstPacket> first;
    ByteReader reader{frames};
    while (reader.remaining() >= rtp::interleaved_head_size) {
        reader.u8();
        const std::uint8_t channel = reader.u8();
        const std::size_t length = reader.u16();
        const ByteSpan bytes = reader.take(length);
        if (!reader.ok()) {
            break;
        }
        const Result<rtp::Packet> packet = rtp::read_packet(bytes);
        const bool known =
            std::ranges::any_of(first, [channel](const auto& one) { return one.channel == channel; });
        if (packet && !rtp::is_control(bytes) && !known) {
            first.push_back({channel, packet->header.sequence, packet->header.timestamp});
        }
    }
    return first;
}

}   // namespace millrace::rtsp
