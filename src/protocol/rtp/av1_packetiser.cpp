#include "media/av1.hpp"
#include "protocol/rtp/leb128.hpp"
#include "protocol/rtp/packetisers.hpp"

#include <algorithm>

namespace millrace::rtp {
namespace {

/// One OBU a packet (W = 1), or its parts.
class Av1 final : public Packetiser {
public:
    Result<> write(const media::AccessUnit& unit, PacketWriter& out) override;

private:
    /// Without its size field, which packets make needless (§4.5 of the payload format).
    static std::vector<std::byte> bare(const media::av1::Obu& obu);
    static void write_obu(ByteSpan obu, bool last, bool opens, PacketWriter& out);
};

std::vector<std::byte> Av1::bare(const media::av1::Obu& obu) {
    constexpr std::uint8_t has_size = 0x02;
    constexpr std::uint8_t has_extension = 0x04;
    std::vector<std::byte> bytes;
    ByteWriter writer{bytes};
    writer.u8(static_cast<std::uint8_t>(obu.header & ~has_size));
    if ((obu.header & has_extension) != 0) {
        writer.u8(obu.extension);
    }
    writer.bytes(obu.payload);
    return bytes;
}

void Av1::write_obu(ByteSpan obu, bool last, bool opens, PacketWriter& out) {
    constexpr unsigned one_element = 1U << 4U;
    bool first = true;
    while (!obu.empty()) {
        const ByteSpan part = obu.first(std::min(obu.size(), PacketWriter::room() - 1));
        obu = obu.subspan(part.size());
        const std::byte head = static_cast<std::byte>((first ? 0U : 0x80U) | (obu.empty() ? 0U : 0x40U) |
                                                      one_element | (opens && first ? 0x08U : 0U));
        out.write(last && obu.empty(), {ByteSpan{&head, 1}, part});
        first = false;
    }
}

Result<> Av1::write(const media::AccessUnit& unit, PacketWriter& out) {
    const Result<std::vector<media::av1::Obu>> obus = media::av1::split_obus(unit.payload);
    if (!obus) {
        return std::unexpected(obus.error());
    }
    bool opens = false;
    if (unit.key) {
        const Result<media::av1::Obu> sequence = media::av1::read_obu(unit.config->extra);
        if (!sequence) {
            return std::unexpected(sequence.error());
        }
        opens = true;
        write_obu(bare(*sequence), obus->empty(), opens, out);
    }
    for (std::size_t i = 0; i < obus->size(); ++i) {
        write_obu(bare((*obus)[i]), i + 1 == obus->size(), false, out);
    }
    return {};
}

}   // namespace

std::unique_ptr<Packetiser> write_av1() {
    return std::make_unique<Av1>();
}

}   // namespace millrace::rtp
