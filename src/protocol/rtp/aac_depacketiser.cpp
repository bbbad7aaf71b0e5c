#include "media/aac.hpp"
#include "media/bit_reader.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/frame_depacketiser.hpp"

namespace millrace::rtp {
namespace {

/// Access units in one packet that we read.
constexpr std::size_t units_in_packet_max = 256;

/// The sizes in bits of the fields of an AU header, RFC 3640 §4.1.
struct HeaderFields {
    unsigned size = 0;
    unsigned index = 0;
    unsigned index_delta = 0;
    unsigned cts_delta = 0;
    unsigned dts_delta = 0;
    bool random_access = false;
    unsigned stream_state = 0;
    unsigned auxiliary_size = 0;
    std::uint32_t constant_size = 0;

    bool any() const {
        return size + index + index_delta + cts_delta + dts_delta + stream_state != 0 || random_access;
    }
};

struct UnitHeader {
    std::size_t size = 0;
    std::uint32_t index_delta = 0;
    std::size_t bits = 0;   // of the header itself
};

class Aac final : public FrameDepacketiser {
public:
    Aac(const Format& format, media::ConfigRef config, const HeaderFields& fields)
        : FrameDepacketiser{format, std::move(config)}, fields_{fields} {}

    void take(const Piece& piece) override;

private:
    Result<std::vector<UnitHeader>> read_headers(ByteReader& reader) const;
    UnitHeader read_header(media::BitReader& bits, bool first) const;
    void read_units(const std::vector<UnitHeader>& headers, ByteReader reader, const Piece& piece);
    void read_part(std::size_t whole, ByteSpan part, const Piece& piece);
    std::int64_t give_unit(ByteSpan unit, std::int64_t timestamp, std::int64_t samples);

    HeaderFields fields_;
    std::size_t awaited_ = 0;   // size of the unit under way
};

// RFC 3640 §3.2.1.1: size u(sizelength) | index or index_delta u(…) | CTS flag and delta | DTS flag and delta
// | RAP flag | stream state
UnitHeader Aac::read_header(media::BitReader& bits, bool first) const {
    const unsigned index_bits = first ? fields_.index : fields_.index_delta;
    UnitHeader header{.bits = fields_.size + index_bits + fields_.stream_state};
    header.size = fields_.size != 0 ? bits.bits(fields_.size) : fields_.constant_size;
    const std::uint32_t index = bits.bits(index_bits);
    header.index_delta = first ? 0 : index;
    for (const unsigned delta : {fields_.cts_delta, fields_.dts_delta}) {
        const bool present = delta != 0 && bits.flag();
        bits.bits(present ? delta : 0);
        header.bits += (delta != 0 ? 1U : 0U) + (present ? delta : 0U);
    }
    header.bits += fields_.random_access ? 1 : 0;
    bits.bits((fields_.random_access ? 1U : 0U));
    bits.bits(fields_.stream_state);
    return header;
}

// §3.2: where any header field has a length: headers-length u16, in bits | headers, filled to a byte |
// where declared: auxiliary size | auxiliary, filled to a byte | access units
Result<std::vector<UnitHeader>> Aac::read_headers(ByteReader& reader) const {
    std::vector<UnitHeader> headers;
    if (!fields_.any()) {
        headers.push_back({.size = fields_.constant_size != 0 ? fields_.constant_size : reader.remaining()});
        return headers;
    }
    const std::size_t length = reader.u16();
    const ByteSpan bytes = reader.take((length + 7) / 8);
    media::BitReader bits{bytes};
    for (std::size_t left = length; reader.ok() && left > 0;) {
        if (headers.size() == units_in_packet_max) {
            return fail(Errc::exhausted, "too many AAC frames in a packet");
        }
        const UnitHeader header = read_header(bits, headers.empty());
        if (!bits.ok() || header.bits > left) {
            return fail(Errc::malformed, "an AU header beyond its section");
        }
        headers.push_back(header);
        // Some senders count the bits that fill the last byte too; no header is shorter than they.
        left = header.bits == 0 || left - header.bits < 8 ? 0 : left - header.bits;
    }
    if (fields_.auxiliary_size != 0) {
        media::BitReader auxiliary{reader.rest()};
        const std::size_t size = auxiliary.bits(fields_.auxiliary_size);
        reader.skip((fields_.auxiliary_size + size + 7) / 8);
    }
    if (!reader.ok() || headers.empty()) {
        return fail(Errc::malformed, "broken AU headers");
    }
    return headers;
}

std::int64_t Aac::give_unit(ByteSpan unit, std::int64_t timestamp, std::int64_t samples) {
    // Some cameras leave the ADTS header on.
    const Result<media::aac::AdtsHeader> adts = media::aac::read_adts_header(unit);
    if (adts && adts->frame_size == unit.size()) {
        unit = unit.subspan(adts->header_size);
    }
    return give_frame(unit, timestamp, samples);
}

// §3.2.3.1: a unit in parts has one header with its whole size in each packet
void Aac::read_part(std::size_t whole, ByteSpan part, const Piece& piece) {
    if (!under_way()) {
        if (piece.after_loss) {
            ++counters_.units_broken;   // its beginning may be what was lost
            return;
        }
        awaited_ = whole;
        begin_frame(part, piece.timestamp);
    } else if (awaited_ != whole || !append_frame(part, piece.timestamp)) {
        break_frame();
    }
    if (under_way() && begun().size() >= awaited_) {
        if (begun().size() == awaited_) {
            give_unit(begun(), piece.timestamp, 0);
            drop_begun();
        } else {
            break_frame();
        }
    }
}

void Aac::read_units(const std::vector<UnitHeader>& headers, ByteReader reader, const Piece& piece) {
    std::int64_t samples = 0;
    for (const UnitHeader& header : headers) {
        const ByteSpan unit = reader.take(header.size);
        if (!reader.ok()) {
            ++counters_.payloads_refused;
            return;
        }
        if (!unit.empty()) {
            const std::int64_t duration = give_unit(unit, piece.timestamp, samples);
            samples += duration * (1 + std::int64_t{header.index_delta});
        }
    }
}

void Aac::take(const Piece& piece) {
    if (piece.after_loss && under_way()) {
        break_frame();
    }
    if (piece.payload.empty()) {
        return;
    }
    ByteReader reader{piece.payload};
    const Result<std::vector<UnitHeader>> headers = read_headers(reader);
    if (!headers) {
        ++counters_.payloads_refused;
        return;
    }
    const std::size_t first = headers->front().size;
    if (headers->size() == 1 && (first > reader.remaining() || (under_way() && first == awaited_))) {
        read_part(first, reader.rest(), piece);
        return;
    }
    if (under_way()) {
        break_frame();
    }
    read_units(*headers, reader, piece);
}

unsigned bounded(std::string_view parameters, std::string_view name, std::uint32_t otherwise) {
    return std::min(number(parameters, name, otherwise), std::uint32_t{32});
}

HeaderFields fields_of(const Format& format) {
    const std::string_view text = format.parameters;
    const std::string_view mode = parameter(text, "mode").value_or(std::string_view{});
    const bool low = mode == "AAC-lbr";
    // §3.3.5, §3.3.6: what the modes demand, for senders that only name the mode.
    const bool named = low || mode == "AAC-hbr" || !parameter(text, "sizelength");
    HeaderFields fields;
    fields.constant_size = number(text, "constantsize", 0);
    fields.size = bounded(text, "sizelength", fields.constant_size != 0 ? 0 : low ? 6 : named ? 13 : 0);
    fields.index = bounded(text, "indexlength", fields.size == 0 ? 0 : low ? 2 : named ? 3 : 0);
    fields.index_delta = bounded(text, "indexdeltalength", fields.index);
    fields.cts_delta = bounded(text, "CTSDeltaLength", 0);
    fields.dts_delta = bounded(text, "DTSDeltaLength", 0);
    fields.random_access = number(text, "randomAccessIndication", 0) != 0;
    fields.stream_state = bounded(text, "streamStateIndication", 0);
    fields.auxiliary_size = bounded(text, "auxiliaryDataSizeLength", 0);
    return fields;
}

}   // namespace

DepacketiserMade read_aac(const Format& format) {
    Result<media::ConfigRef> config = config_from(format);
    if (!config) {
        return std::unexpected(config.error());
    }
    return std::make_unique<Aac>(format, std::move(*config), fields_of(format));
}

}   // namespace millrace::rtp
