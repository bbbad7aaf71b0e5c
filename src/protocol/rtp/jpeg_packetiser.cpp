#include "base/byte_writer.hpp"
#include "protocol/rtp/jpeg_picture.hpp"
#include "protocol/rtp/packetisers.hpp"

#include <algorithm>

namespace millrace::rtp {
namespace {

/// RFC 2435, with the tables in every picture (Q 255).
class Jpeg final : public Packetiser {
public:
    Result<> write(const media::AccessUnit& unit, PacketWriter& out) override;

private:
    static std::vector<std::byte> head_of(const JpegPicture& picture, std::size_t offset);
};

// See the depacketiser for the picture of it.
std::vector<std::byte> Jpeg::head_of(const JpegPicture& picture, std::size_t offset) {
    constexpr std::uint8_t restarts = 64;
    std::vector<std::byte> head;
    ByteWriter writer{head};
    writer.u8(0);
    writer.u24(static_cast<std::uint32_t>(offset));
    writer.u8(picture.restart_interval != 0 ? picture.type + restarts : picture.type);
    writer.u8(255);
    writer.u8(static_cast<std::uint8_t>(picture.width / 8));
    writer.u8(static_cast<std::uint8_t>(picture.height / 8));
    if (picture.restart_interval != 0) {
        writer.u16(picture.restart_interval);
        writer.u16(0xFFFF);   // §3.1.7: packets are not cut at the markers
    }
    if (offset == 0) {
        writer.u16(0);   // 8-bit tables
        writer.u16(128);
        writer.bytes(std::as_bytes(std::span{picture.luma}));
        writer.bytes(std::as_bytes(std::span{picture.chroma}));
    }
    return head;
}

Result<> Jpeg::write(const media::AccessUnit& unit, PacketWriter& out) {
    constexpr std::uint32_t side_max = 2'040;
    constexpr std::size_t scan_max = 0xFFFFFF;
    const Result<JpegPicture> picture = read_jpeg_picture(unit.payload);
    if (!picture) {
        return std::unexpected(picture.error());
    }
    const bool whole_blocks = picture->width % 8 == 0 && picture->height % 8 == 0;
    if (!whole_blocks || picture->width > side_max || picture->height > side_max ||
        picture->scan.size() > scan_max) {
        return fail(Errc::unsupported, "a JPEG whose size RTP cannot say: multiples of 8 up to 2040");
    }
    std::size_t offset = 0;
    for (ByteSpan rest = picture->scan; !rest.empty();) {
        const std::vector<std::byte> head = head_of(*picture, offset);
        const ByteSpan part = rest.first(std::min(rest.size(), PacketWriter::room() - head.size()));
        rest = rest.subspan(part.size());
        out.write(rest.empty(), {head, part});
        offset += part.size();
    }
    return {};
}

}   // namespace

std::unique_ptr<Packetiser> write_jpeg() {
    return std::make_unique<Jpeg>();
}

}   // namespace millrace::rtp
