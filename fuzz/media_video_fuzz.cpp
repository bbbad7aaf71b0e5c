#include "base/byte_reader.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/nal.hpp"
#include "media/picture_reader.hpp"

#include <cstdlib>

namespace {

using namespace millrace;
using namespace millrace::media;

/// What was read once must be written and read again to the same.
void must(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void avcc(ByteSpan bytes) {
    if (const auto read = h264::read_avcc(bytes)) {
        const auto again = h264::read_avcc(h264::write_avcc(read->config));
        // The record has room for 31 SPS and 255 PPS, one less than there are ids.
        must(read->config.sps.size() > 31 || read->config.pps.size() > 255 ||
             (again && again->config.same_coding(read->config)));
    }
}

void hvcc(ByteSpan bytes) {
    if (const auto read = h265::read_hvcc(bytes)) {
        const auto again = h265::read_hvcc(h265::write_hvcc(read->config));
        must(again && again->config.same_coding(read->config));
    }
}

void av1c(ByteSpan bytes) {
    if (const auto read = av1::read_av1c(bytes)) {
        const auto again = av1::read_av1c(av1::write_av1c(*read));
        must(again && again->same_coding(*read));
    }
}

/// Access units, each after its length in two bytes, through one reader.
void pictures(Codec codec, bool annex_b, ByteSpan bytes) {
    PictureReader pictures{codec};
    ByteReader reader{bytes};
    while (!reader.at_end()) {
        const std::size_t announced = reader.u16();
        const ByteSpan unit = reader.take(std::min(announced, reader.remaining()));
        Result<std::vector<ByteSpan>> nals = split_annex_b(unit);
        if (codec == Codec::av1) {
            nals = av1::split_temporal_unit(unit);
        } else if (!annex_b) {
            nals = split_length_prefixed(unit, 2);
        }
        if (!nals) {
            continue;
        }
        const auto picture = pictures.read(*nals);
        if (picture && *picture) {
            must((*picture)->config != nullptr && (*picture)->config == pictures.config());
            must(codec == Codec::av1 ? av1::split_obus((*picture)->payload).has_value()
                                     : split_length_prefixed((*picture)->payload, 4).has_value());
        }
    }
}

}   // namespace

/// The first byte chooses the codec and the entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes = std::as_bytes(std::span{data, size});
    if (bytes.empty()) {
        return 0;
    }
    const ByteSpan rest = bytes.subspan(1);
    switch (data[0] % 8) {
        case 0: avcc(rest); break;
        case 1: hvcc(rest); break;
        case 2: av1c(rest); break;
        case 3: pictures(Codec::h264, true, rest); break;
        case 4: pictures(Codec::h264, false, rest); break;
        case 5: pictures(Codec::h265, true, rest); break;
        case 6: pictures(Codec::h265, false, rest); break;
        case 7: pictures(Codec::av1, false, rest); break;
        default: break;
    }
    return 0;
}
