#include "base/byte_reader.hpp"
#include "media/h265.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/picture_depacketiser.hpp"

#include <array>

namespace millrace::rtp {
namespace {

using media::h265::NalType;

// RFC 7798 §4.4
constexpr std::uint8_t aggregation_packet = 48;
constexpr std::uint8_t fragmentation_unit = 49;
constexpr std::uint8_t single_max = 47;

class H265 final : public PictureDepacketiser {
public:
    explicit H265(const Format& format)
        : PictureDepacketiser{format, media::Codec::h265},
          with_order_{number(format.parameters, "sprop-max-don-diff", 0) > 0} {}

private:
    bool read(ByteSpan payload) override;
    bool read_aggregate(ByteReader reader);
    bool read_fragment(ByteSpan payload);

    bool opens_picture(ByteSpan nal) const override {
        const NalType type = media::h265::type_of(nal);
        return type == NalType::access_unit_delimiter || type == NalType::vps || type == NalType::sps;
    }
    bool is_slice(ByteSpan nal) const override { return media::h265::is_vcl(media::h265::type_of(nal)); }
    bool is_later_slice(ByteSpan nal) const override {
        // first_slice_segment_in_pic_flag
        return is_slice(nal) && nal.size() > 2 && (nal[2] & std::byte{0x80}) == std::byte{0};
    }

    bool with_order_;   // decoding order numbers stand in the packets; packets come in that order anyway
};

// RFC 7798 §4.4.1: the first two bytes are  F u1 | type u6 | layer u6 | temporal id + 1 u3,  as in a NAL
// unit; with_order: DONL u16 behind them
bool H265::read(ByteSpan payload) {
    if (payload.size() < media::h265::nal_header_size + 1) {
        return false;
    }
    const auto type = static_cast<std::uint8_t>(payload[0] >> 1U & std::byte{0x3F});
    if (type == aggregation_packet) {
        ByteReader reader{payload.subspan(media::h265::nal_header_size)};
        return read_aggregate(reader);
    }
    if (type == fragmentation_unit) {
        return read_fragment(payload);
    }
    if (type > single_max) {
        return false;   // PACI, and what is not defined
    }
    if (!with_order_) {
        add(payload);
        return true;
    }
    if (payload.size() < 5 || !begin(payload.first(2))) {
        return false;
    }
    return append(payload.subspan(4)) && end();
}

// §4.4.2: {with_order: DONL u16, or DOND u8 from the second on | size u16 | NAL unit}…
bool H265::read_aggregate(ByteReader reader) {
    for (bool first = true; !reader.at_end(); first = false) {
        if (with_order_) {
            reader.skip(first ? 2 : 1);
        }
        const std::size_t size = reader.u16();
        const ByteSpan nal = reader.take(size);
        if (!reader.ok() || nal.size() <= media::h265::nal_header_size) {
            return false;
        }
        add(nal);
    }
    return true;
}

// §4.4.3: header as above | start u1 | end u1 | type u6 | with_order, at the start: DONL u16 | a part
bool H265::read_fragment(ByteSpan payload) {
    ByteReader reader{payload};
    const std::uint8_t first = reader.u8();
    const std::uint8_t second = reader.u8();
    const std::uint8_t header = reader.u8();
    if ((header & 0x80U) != 0 && with_order_) {
        reader.u16();
    }
    const ByteSpan part = reader.rest();
    if (!reader.ok() || part.empty()) {
        return false;
    }
    const std::array head{static_cast<std::byte>((first & 0x81U) | (header & 0x3FU) << 1U),
                          static_cast<std::byte>(second), part[0]};
    return add_fragment(header, head, part);
}

}   // namespace

DepacketiserMade read_h265(const Format& format) {
    auto made = std::make_unique<H265>(format);
    static_cast<void>(made->configure(format));
    return made;
}

}   // namespace millrace::rtp
