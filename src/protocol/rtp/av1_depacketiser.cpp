#include "base/byte_reader.hpp"
#include "media/av1.hpp"
#include "protocol/rtp/depacketisers.hpp"
#include "protocol/rtp/leb128.hpp"
#include "protocol/rtp/picture_depacketiser.hpp"

namespace millrace::rtp {
namespace {

using media::av1::ObuType;

ObuType type_of(ByteSpan obu) {
    return static_cast<ObuType>(static_cast<unsigned>(obu[0]) >> 3U & 0x0FU);
}

class Av1 final : public PictureDepacketiser {
public:
    explicit Av1(const Format& format) : PictureDepacketiser{format, media::Codec::av1} {}

private:
    bool read(ByteSpan payload) override;
    bool read_element(ByteSpan element, bool goes_on, bool continues);

    bool opens_picture(ByteSpan obu) const override { return type_of(obu) == ObuType::sequence_header; }
    bool is_slice(ByteSpan obu) const override {
        const ObuType type = type_of(obu);
        return type == ObuType::frame || type == ObuType::frame_header || type == ObuType::tile_group;
    }
    bool is_later_slice(ByteSpan obu) const override { return type_of(obu) == ObuType::tile_group; }
    bool is_byte_stream() const override { return false; }
};

bool Av1::read_element(ByteSpan element, bool goes_on, bool continues) {
    if (element.empty()) {
        return false;
    }
    const bool sound = continues ? append(element) : begin(element);
    return sound && (goes_on || end());
}

// "RTP Payload Format For AV1" §4.4:  Z u1, the first element continues one | Y u1, the last goes on | W u2,
// how many, or 0 | N u1, a new coded video sequence | zero u3 | {size leb128, but of the last if W > 0 |
// OBU}…
bool Av1::read(ByteSpan payload) {
    ByteReader reader{payload};
    const std::uint8_t head = reader.u8();
    const bool continues = (head & 0x80U) != 0;
    const bool goes_on = (head & 0x40U) != 0;
    const unsigned count = head >> 4U & 3U;
    for (unsigned index = 0; !reader.at_end(); ++index) {
        const bool last_unsized = count != 0 && index + 1 == count;
        const std::optional<std::size_t> size =
            last_unsized ? std::optional{reader.remaining()} : read_leb128(reader);
        const ByteSpan element = reader.take(size.value_or(0));
        if (!size || !reader.ok() || (count != 0 && index >= count)) {
            return false;
        }
        const bool last = reader.at_end();
        if (!read_element(element, goes_on && last, continues && index == 0)) {
            return false;
        }
    }
    return true;
}

}   // namespace

DepacketiserMade read_av1(const Format& format) {
    return std::make_unique<Av1>(format);
}

}   // namespace millrace::rtp
