#include "base/byte_reader.hpp"
#include "media/h264.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/picture_depacketiser.hpp"

#include <array>

namespace millrace::rtp {
namespace {

using media::h264::NalType;

// RFC 6184 §5.2, beside the types of NAL units that travel alone
constexpr std::uint8_t stap_a = 24;
constexpr std::uint8_t stap_b = 25;
constexpr std::uint8_t fu_a = 28;
constexpr std::uint8_t fu_b = 29;
constexpr std::uint8_t single_max = 23;

class H264 final : public PictureDepacketiser {
public:
    explicit H264(const Format& format) : PictureDepacketiser{format, media::Codec::h264} {}

private:
    bool read(ByteSpan payload) override;
    bool read_aggregate(ByteSpan units);
    bool read_fragment(ByteSpan payload, bool with_order);

    bool opens_picture(ByteSpan nal) const override {
        const NalType type = media::h264::type_of(nal);
        return type == NalType::access_unit_delimiter || type == NalType::sps;
    }
    bool is_slice(ByteSpan nal) const override { return media::h264::is_vcl(media::h264::type_of(nal)); }
    bool is_later_slice(ByteSpan nal) const override {
        // first_mb_in_slice is 0 if its code is the single bit 1.
        return is_slice(nal) && nal.size() > 1 && (nal[1] & std::byte{0x80}) == std::byte{0};
    }
};

// RFC 6184 §5.3: the first byte is  F u1 | NRI u2 | type u5,  as in a NAL unit. Types 1 to 23 are one.
bool H264::read(ByteSpan payload) {
    const auto type = static_cast<std::uint8_t>(payload[0] & std::byte{0x1F});
    switch (type) {
        case 0: break;
        case stap_a: return read_aggregate(payload.subspan(1));
        case stap_b: return payload.size() >= 3 && read_aggregate(payload.subspan(3));   // §5.7.1: DON u16
        case fu_a: return read_fragment(payload, false);
        case fu_b: return read_fragment(payload, true);
        default:
            if (type > single_max) {
                return false;   // multi-time aggregates: nobody sends them
            }
            break;
    }
    // No NAL unit has type 0, but a start code that was sent along begins so.
    if (type == 0 && (payload.size() < 4 || payload[1] != std::byte{0} || payload[2] > std::byte{1})) {
        return false;
    }
    add(payload);
    return true;
}

// §5.7.1: {size u16 | NAL unit}…
bool H264::read_aggregate(ByteSpan units) {
    ByteReader reader{units};
    while (!reader.at_end()) {
        const std::size_t size = reader.u16();
        const ByteSpan nal = reader.take(size);
        if (!reader.ok() || nal.empty()) {
            return false;
        }
        add(nal);
    }
    return true;
}

// §5.8: indicator u8, F and NRI of the NAL unit | start u1 | end u1 | reserved u1 | type u5 | FU-B: DON u16 |
// a part
bool H264::read_fragment(ByteSpan payload, bool with_order) {
    ByteReader reader{payload};
    const std::uint8_t indicator = reader.u8();
    const std::uint8_t header = reader.u8();
    if (with_order) {
        reader.u16();
    }
    const ByteSpan part = reader.rest();
    if (!reader.ok() || part.empty()) {
        return false;
    }
    const std::array head{static_cast<std::byte>((indicator & 0xE0U) | (header & 0x1FU)), part[0]};
    return add_fragment(header, head, part);
}

}   // namespace

DepacketiserMade read_h264(const Format& format) {
    auto made = std::make_unique<H264>(format);
    // Parameter sets that do not parse are told by config_from(); in band they mostly come again.
    static_cast<void>(made->configure(format));
    return made;
}

}   // namespace millrace::rtp
