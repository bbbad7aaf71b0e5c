#include "base/byte_writer.hpp"
#include "media/mp3.hpp"
#include "protocol/rtp/packetisers.hpp"

#include <algorithm>

namespace millrace::rtp {
namespace {

/// RFC 3640 §3.3.6, AAC-hbr: one unit a packet, or its parts.
class Aac final : public Packetiser {
public:
    Result<> write(const media::AccessUnit& unit, PacketWriter& out) override {
        constexpr std::size_t size_max = 0x1FFF;   // 13 bits
        if (unit.payload.size() > size_max) {
            return fail(Errc::unsupported, "an AAC frame beyond 8191 bytes");
        }
        std::vector<std::byte> head;
        ByteWriter writer{head};
        writer.u16(16);   // AU-headers-length, in bits
        writer.u16(static_cast<std::uint16_t>(unit.payload.size() << 3U));
        const std::size_t room = PacketWriter::room() - head.size();
        for (ByteSpan rest = unit.payload; !rest.empty();) {
            const ByteSpan part = rest.first(std::min(rest.size(), room));
            rest = rest.subspan(part.size());
            out.write(rest.empty(), {head, part});
        }
        return {};
    }
};

/// RFC 2250 §3.5.
class MpegAudio final : public Packetiser {
public:
    Result<> write(const media::AccessUnit& unit, PacketWriter& out) override {
        constexpr std::size_t head_size = 4;
        std::size_t offset = 0;
        for (ByteSpan rest = unit.payload; !rest.empty();) {
            const ByteSpan part = rest.first(std::min(rest.size(), PacketWriter::room() - head_size));
            rest = rest.subspan(part.size());
            std::vector<std::byte> head;
            ByteWriter writer{head};
            writer.u16(0);
            writer.u16(static_cast<std::uint16_t>(offset));
            out.write(rest.empty(), {head, part});
            offset += part.size();
        }
        return {};
    }
};

class Plain final : public Packetiser {
public:
    explicit Plain(const Format& format) : format_{format} {}

    Result<> write(const media::AccessUnit& unit, PacketWriter& out) override {
        if (format_.encoding == Encoding::opus) {
            if (unit.payload.size() > PacketWriter::room()) {
                return fail(Errc::unsupported, "an Opus packet beyond an RTP packet");
            }
            out.write(false, {unit.payload});
            return {};
        }
        // RFC 3551 §4.2: the marker stands at the beginning of a talkspurt; there is one, and it has begun.
        const std::size_t sample =
            std::size_t{format_.channels} * (format_.encoding == Encoding::l16 ? 2 : 1);
        const std::size_t room = PacketWriter::room() / sample * sample;
        std::int64_t ticks = media_time(unit);
        for (ByteSpan rest = unit.payload; !rest.empty();) {
            const ByteSpan part = rest.first(std::min(rest.size(), room));
            rest = rest.subspan(part.size());
            out.set_time(ticks);
            out.write(false, {part});
            // G.722 has a byte for two samples, and a clock of half its samples: a tick a byte too.
            ticks += static_cast<std::int64_t>(part.size() / sample);
        }
        return {};
    }

private:
    std::int64_t media_time(const media::AccessUnit& unit) const {
        return format_.encoding == Encoding::g722 ? unit.pts / 2 : unit.pts;
    }

    Format format_;
};

}   // namespace

std::unique_ptr<Packetiser> write_aac() {
    return std::make_unique<Aac>();
}

std::unique_ptr<Packetiser> write_mpeg_audio() {
    return std::make_unique<MpegAudio>();
}

std::unique_ptr<Packetiser> write_plain(const Format& format) {
    return std::make_unique<Plain>(format);
}

}   // namespace millrace::rtp
