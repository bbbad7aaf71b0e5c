#include "base/byte_writer.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/nal.hpp"
#include "protocol/rtp/packetisers.hpp"

#include <algorithm>
#include <array>

namespace millrace::rtp {
namespace {

/// How H.264 and H.265 differ in their payloads.
struct NalForm {
    std::size_t header_size;
    std::size_t fragment_head_size;
    /// The header of an aggregate of these NAL units.
    std::vector<std::byte> (*aggregate_head)(std::span<const ByteSpan> nals);
    /// What stands before a part of a NAL unit.
    std::array<std::byte, 3> (*fragment_head)(ByteSpan nal, bool first, bool last);
};

std::byte with_flags(unsigned type, bool first, bool last) {
    return static_cast<std::byte>(type | (first ? 0x80U : 0U) | (last ? 0x40U : 0U));
}

// RFC 6184 §5.7: F and NRI are the greatest of the NAL units'.
std::vector<std::byte> stap_a(std::span<const ByteSpan> nals) {
    std::byte importance{};
    for (const ByteSpan nal : nals) {
        importance = std::max(importance, nal[0] & std::byte{0x60});
    }
    return {importance | std::byte{24}};
}

// RFC 6184 §5.8: FU indicator, FU header
std::array<std::byte, 3> fu_a(ByteSpan nal, bool first, bool last) {
    return {(nal[0] & std::byte{0xE0}) | std::byte{28},
            with_flags(static_cast<unsigned>(nal[0]) & 0x1FU, first, last), std::byte{}};
}

// RFC 7798 §4.4.2: the least layer and temporal id
std::vector<std::byte> aggregation_packet(std::span<const ByteSpan> nals) {
    unsigned layer = 63;
    unsigned temporal = 7;
    for (const ByteSpan nal : nals) {
        layer = std::min(layer, media::h265::layer_of(nal));
        temporal = std::min(temporal, static_cast<unsigned>(nal[1]) & 7U);
    }
    return {static_cast<std::byte>(48U << 1U | layer >> 5U),
            static_cast<std::byte>((layer & 0x1FU) << 3U | temporal)};
}

// RFC 7798 §4.4.3
std::array<std::byte, 3> fragmentation_unit(ByteSpan nal, bool first, bool last) {
    const unsigned type = static_cast<unsigned>(nal[0]) >> 1U & 0x3FU;
    return {(nal[0] & std::byte{0x81}) | std::byte{49U << 1U}, nal[1], with_flags(type, first, last)};
}

constexpr NalForm h264_form{1, 2, stap_a, fu_a};
constexpr NalForm h265_form{2, 3, aggregation_packet, fragmentation_unit};

class NalUnits final : public Packetiser {
public:
    NalUnits(const NalForm& form, bool only_single) : form_{form}, only_single_{only_single} {}

    Result<> write(const media::AccessUnit& unit, PacketWriter& out) override;

private:
    void write_together(std::span<const ByteSpan> nals, bool last, PacketWriter& out) const;
    void write_parts(ByteSpan nal, bool last, PacketWriter& out) const;
    std::size_t together(std::span<const ByteSpan> nals) const;

    const NalForm& form_;
    bool only_single_;   // RFC 6184 §6.2: packetization-mode 0
};

/// How many of the first fit into one packet.
std::size_t NalUnits::together(std::span<const ByteSpan> nals) const {
    std::size_t size = form_.header_size;
    std::size_t count = 0;
    for (const ByteSpan nal : nals) {
        size += 2 + nal.size();
        if (size > PacketWriter::room()) {
            break;
        }
        ++count;
    }
    return only_single_ ? 1 : std::max<std::size_t>(count, 1);
}

void NalUnits::write_together(std::span<const ByteSpan> nals, bool last, PacketWriter& out) const {
    std::vector<std::byte> payload = form_.aggregate_head(nals);
    ByteWriter writer{payload};
    for (const ByteSpan nal : nals) {
        writer.u16(static_cast<std::uint16_t>(nal.size()));
        writer.bytes(nal);
    }
    out.write(last, {payload});
}

/// Parts of equal size, so that a kernel may cut them from one send.
void NalUnits::write_parts(ByteSpan nal, bool last, PacketWriter& out) const {
    const std::size_t room = PacketWriter::room() - form_.fragment_head_size;
    ByteSpan rest = nal.subspan(form_.header_size);
    for (bool first = true; !rest.empty(); first = false) {
        const ByteSpan part = rest.first(std::min(rest.size(), room));
        rest = rest.subspan(part.size());
        const auto head = form_.fragment_head(nal, first, rest.empty());
        out.write(last && rest.empty(), {std::span{head}.first(form_.fragment_head_size), part});
    }
}

Result<> NalUnits::write(const media::AccessUnit& unit, PacketWriter& out) {
    const Result<std::vector<ByteSpan>> cut = media::split_length_prefixed(unit.payload, 4);
    if (!cut) {
        return std::unexpected(cut.error());
    }
    std::vector<ByteSpan> nals;
    if (unit.key) {
        for (const auto* sets : {&unit.config->vps, &unit.config->sps, &unit.config->pps}) {
            nals.insert(nals.end(), sets->begin(), sets->end());
        }
    }
    nals.insert(nals.end(), cut->begin(), cut->end());
    std::erase_if(nals, [this](ByteSpan nal) { return nal.size() <= form_.header_size; });
    if (only_single_ &&
        std::ranges::any_of(nals, [](ByteSpan nal) { return nal.size() > PacketWriter::room(); })) {
        return fail(Errc::unsupported, "a NAL unit beyond a packet, in packetization-mode 0");
    }
    for (std::span<const ByteSpan> rest = nals; !rest.empty();) {
        const std::size_t count = together(rest);
        const bool last = count == rest.size();
        if (count > 1) {
            write_together(rest.first(count), last, out);
        } else if (rest[0].size() <= PacketWriter::room()) {
            out.write(last, {rest[0]});
        } else {
            write_parts(rest[0], last, out);
        }
        rest = rest.subspan(count);
    }
    return {};
}

}   // namespace

std::unique_ptr<Packetiser> write_h264(const Format& format) {
    const bool only_single = number(format.parameters, "packetization-mode", 0) == 0;
    return std::make_unique<NalUnits>(h264_form, only_single);
}

std::unique_ptr<Packetiser> write_h265() {
    return std::make_unique<NalUnits>(h265_form, false);
}

}   // namespace millrace::rtp
