#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace millrace::rtp {

/// What RFC 2435 carries of a JPEG: baseline, YUV 4:2:2 or 4:2:0 in one scan, 8-bit quantisation tables, and
/// the Huffman tables of ITU-T T.81 annex K.
struct JpegPicture {
    using Table = std::array<std::uint8_t, 64>;   ///< in zigzag order

    std::uint8_t type = 1;   ///< §4.1: 0 = 4:2:2, 1 = 4:2:0
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint16_t restart_interval = 0;   ///< 0 = no restart markers
    Table luma{};
    Table chroma{};
    ByteSpan scan;   ///< entropy-coded, without EOI; of a picture that was read
};

/// §4.2: the tables of Q 1 to 99.
void set_quality(JpegPicture& picture, unsigned q);
/// SOI to SOS; the scan and EOI follow.
void write_jpeg_head(std::vector<std::byte>& out, const JpegPicture& picture);
/// Another JPEG than the above is unsupported, a broken one malformed. `scan` points into the bytes.
Result<JpegPicture> read_jpeg_picture(ByteSpan bytes);
media::TrackConfig config_of(const JpegPicture& picture);

}   // namespace millrace::rtp
