#include "protocol/rtp/packetiser.hpp"

#include "base/check.hpp"
#include "media/time.hpp"
#include "protocol/rtp/packetisers.hpp"
#include "protocol/rtp/rtcp.hpp"

namespace millrace::rtp {

void PacketWriter::write(bool marker, std::initializer_list<ByteSpan> parts) {
    std::size_t size = 0;
    for (const ByteSpan part : parts) {
        size += part.size();
    }
    check(size <= room(), "a payload that fits its packet");
    ByteWriter writer{out_.bytes};
    if (numbering_.channel) {
        write_interleaved_head(writer, *numbering_.channel, header_size + size);
    }
    write_header(writer, {.marker = marker,
                          .payload_type = numbering_.payload_type,
                          .sequence = numbering_.sequence++,
                          .timestamp = timestamp_,
                          .ssrc = numbering_.ssrc});
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
    writer_.set_time(media::rescale_nearest(unit.pts, unit.config->timescale, format_.clock_rate));
    utc_ = unit.capture.utc != WallTime{} ? std::optional{unit.capture.utc} : utc_;
    return packetiser_->write(unit, writer_);
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
