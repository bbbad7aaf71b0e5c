#include "protocol/rtp/packetiser.hpp"

#include "base/check.hpp"
#include "media/time.hpp"
#include "protocol/rtp/packetisers.hpp"
#include "protocol/rtp/rtcp.hpp"

#include <cstdlib>

namespace millrace::rtp {

void PacketWriter::write(bool marker, std::initializer_list<ByteSpan> parts) {
    std::size_t size = 0;
    for (const ByteSpan part : parts) {
        size += part.size();
    }
    check(size <= room(), "a payload that fits its packet");
    ByteWriter writer{out_.bytes};
    if (numbering_.channel) {
        write_interleaved_head(writer, *numbering_.channel,
                               header_size + (captured_ ? capture_time_size : 0) + size);
    }
    write_header(writer, {.marker = marker,
                          .payload_type = numbering_.payload_type,
                          .sequence = numbering_.sequence++,
                          .timestamp = timestamp_,
                          .ssrc = numbering_.ssrc,
                          .captured = std::exchange(captured_, std::nullopt)});
    for (const ByteSpan part : parts) {
        writer.bytes(part);
    }
    out_.ends.push_back(out_.bytes.size());
    ++packets_;
    octets_ += static_cast<std::uint32_t>(size);
}

std::unique_ptr<Packetiser> packetiser_of(const Format& format) {
    switch (format.encoding) {
        case Encoding::h264: return write_h264(format);
        case Encoding::h265: return write_h265();
        case Encoding::av1: return write_av1();
        case Encoding::jpeg: return write_jpeg();
        case Encoding::aac: return write_aac();
        case Encoding::mpeg_audio: return write_mpeg_audio();
        case Encoding::klv: return write_klv();
        default: return write_plain(format);
    }
}

Sender::Sender(Format format, const PacketNumbering& numbering)
    : format_{std::move(format)},
      numbering_{numbering},
      writer_{numbering, packets_},
      packetiser_{packetiser_of(format_)} {
}

Result<> Sender::write(const media::AccessUnit& unit) {
    const std::int64_t ticks = media::rescale_nearest(unit.pts, unit.config->timescale, format_.clock_rate);
    writer_.set_time(ticks);
    utc_ = unit.capture.utc != WallTime{} ? std::optional{unit.capture.utc} : utc_;
    const bool says = capture_due(unit, ticks);
    writer_.set_captured(says ? std::optional{unit.capture.utc} : std::nullopt);
    Result<> written = packetiser_->write(unit, writer_);
    writer_.set_captured({});
    captured_ = says && written ? std::optional{ticks} : captured_;
    return written;
}

bool Sender::capture_due(const media::AccessUnit& unit, std::int64_t ticks) {
    const std::int64_t interval = capture_interval / 1s * std::int64_t{format_.clock_rate};
    return unit.capture.utc != WallTime{} && unit.capture.label != media::CaptureTime::Label::arrival &&
           (!captured_ || std::abs(ticks - *captured_) >= interval);
}

std::uint32_t Sender::timestamp_of(const media::AccessUnit& unit) const {
    const std::int64_t ticks = media::rescale_nearest(unit.pts, unit.config->timescale, format_.clock_rate);
    return numbering_.timestamp + static_cast<std::uint32_t>(ticks);
}

void Sender::append_report(std::vector<std::byte>& out, std::string_view cname) const {
    if (!utc_) {
        return;
    }
    std::vector<std::byte> compound;
    write_sender_report(compound, {.ssrc = numbering_.ssrc,
                                   .ntp = ntp_of(*utc_),
                                   .timestamp = writer_.timestamp(),
                                   .packets = writer_.packets(),
                                   .octets = writer_.octets(),
                                   .blocks = {}});
    write_description(compound, {.ssrc = numbering_.ssrc, .cname = std::string{cname}});
    ByteWriter writer{out};
    if (numbering_.channel) {
        write_interleaved_head(writer, static_cast<std::uint8_t>(*numbering_.channel + 1), compound.size());
    }
    writer.bytes(compound);
}

}   // namespace millrace::rtp
