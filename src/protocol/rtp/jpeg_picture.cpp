#include "protocol/rtp/jpeg_picture.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>
#include <optional>

namespace millrace::rtp {

namespace {

/// Markers, ITU-T T.81 table B.1.
enum Marker : std::uint8_t {
    sof0 = 0xC0,
    dht = 0xC4,
    soi = 0xD8,
    eoi = 0xD9,
    sos = 0xDA,
    dqt = 0xDB,
    dri = 0xDD
};

// T.81 tables K.1 and K.2, row by row
constexpr JpegPicture::Table luma_rows = {
    16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
    69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
    81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99};
constexpr JpegPicture::Table chroma_rows = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                            24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                            99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                            99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

constexpr JpegPicture::Table zigzag() {
    JpegPicture::Table order{};
    std::size_t at = 0;
    for (int sum = 0; sum < 15; ++sum) {
        for (int i = 0; i <= sum; ++i) {
            const int row = sum % 2 == 0 ? sum - i : i;
            const int column = sum - row;
            if (row < 8 && column < 8) {
                order[at++] = static_cast<std::uint8_t>(row * 8 + column);
            }
        }
    }
    return order;
}

/// A Huffman table as DHT has it, T.81 §K.3: how many codes of each length, then their values.
struct Huffman {
    std::uint8_t id;   ///< class u4 | destination u4
    std::array<std::uint8_t, 16> counts;
    ByteSpan values;
};

constexpr std::array<std::byte, 12> dc_values = {std::byte{0}, std::byte{1}, std::byte{2},  std::byte{3},
                                                 std::byte{4}, std::byte{5}, std::byte{6},  std::byte{7},
                                                 std::byte{8}, std::byte{9}, std::byte{10}, std::byte{11}};

constexpr unsigned nibble(char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}
template <std::size_t length>
constexpr std::array<std::byte, length / 2> from_text(const char (&text)[length]) {
    std::array<std::byte, length / 2> bytes{};
    for (std::size_t i = 0; i < length / 2; ++i) {
        bytes[i] = static_cast<std::byte>(nibble(text[2 * i]) << 4U | nibble(text[2 * i + 1]));
    }
    return bytes;
}

constexpr auto luma_ac_values = from_text(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a"
    "25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a"
    "838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9ca"
    "d2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa");
constexpr auto chroma_ac_values = from_text(
    "0001020311040521310612415107617113223281081442"
    "91a1b1c109233352f0156272d10a162434e125f117"
    "18191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a"
    "82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9ca"
    "d2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa");
static_assert(luma_ac_values.size() == 162 && chroma_ac_values.size() == 162);

std::array<Huffman, 4> huffman_tables() {
    return {Huffman{0x00, {0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0}, dc_values},
            Huffman{0x10, {0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D}, luma_ac_values},
            Huffman{0x01, {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}, dc_values},
            Huffman{0x11, {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}, chroma_ac_values}};
}

void write_marker(ByteWriter& writer, Marker marker) {
    writer.u8(0xFF);
    writer.u8(marker);
}

/// What is collected while the segments of a JPEG are read.
struct Segments {
    JpegPicture picture;
    std::array<std::optional<JpegPicture::Table>, 4> tables;
    std::uint8_t luma_table = 0;
    std::uint8_t chroma_table = 0;
    bool has_frame = false;
};

// DQT: {precision u4 | destination u4 | 64 × u8}…
Result<> read_tables(ByteReader segment, Segments& found) {
    while (!segment.at_end()) {
        const std::uint8_t head = segment.u8();
        const ByteSpan values = segment.take(64);
        if (!segment.ok() || (head & 0x0FU) > 3) {
            return fail(Errc::malformed, "a broken DQT");
        }
        if (head >> 4U != 0) {
            return fail(Errc::unsupported, "16-bit quantisation tables");
        }
        JpegPicture::Table& table = found.tables[head & 0x0FU].emplace();
        std::ranges::transform(values, table.begin(),
                               [](std::byte b) { return static_cast<std::uint8_t>(b); });
    }
    return {};
}

// SOF0: precision u8 = 8 | height u16 | width u16 | components u8 | {id u8 | H u4 | V u4 | table u8}…
Result<> read_frame(ByteReader segment, Segments& found) {
    const std::uint8_t precision = segment.u8();
    found.picture.height = segment.u16();
    found.picture.width = segment.u16();
    const std::uint8_t components = segment.u8();
    std::array<std::uint8_t, 3> sampling{};
    std::array<std::uint8_t, 3> tables{};
    for (std::size_t i = 0; i < 3; ++i) {
        segment.u8();
        sampling[i] = segment.u8();
        tables[i] = segment.u8();
    }
    if (!segment.ok() || found.picture.width == 0 || found.picture.height == 0) {
        return fail(Errc::malformed, "a broken SOF");
    }
    const bool carried = precision == 8 && components == 3 && (sampling[0] == 0x21 || sampling[0] == 0x22) &&
                         sampling[1] == 0x11 && sampling[2] == 0x11 && tables[1] == tables[2] &&
                         tables[0] < 4 && tables[1] < 4;
    if (!carried) {
        return fail(Errc::unsupported, "a JPEG other than 8-bit YUV 4:2:0 or 4:2:2");
    }
    found.picture.type = sampling[0] == 0x21 ? 0 : 1;
    found.luma_table = tables[0];
    found.chroma_table = tables[1];
    found.has_frame = true;
    return {};
}

// DHT: {class u4 | destination u4 | counts 16 × u8 | values}…
Result<> read_huffman(ByteReader segment) {
    const std::array<Huffman, 4> known = huffman_tables();
    while (!segment.at_end()) {
        const std::uint8_t id = segment.u8();
        const ByteSpan counts = segment.take(16);
        std::size_t total = 0;
        for (const std::byte count : counts) {
            total += static_cast<std::size_t>(count);
        }
        const ByteSpan values = segment.take(total);
        if (!segment.ok()) {
            return fail(Errc::malformed, "a broken DHT");
        }
        const bool same = std::ranges::any_of(known, [&](const Huffman& one) {
            return one.id == id && std::ranges::equal(std::as_bytes(std::span{one.counts}), counts) &&
                   std::ranges::equal(one.values, values);
        });
        if (!same) {
            return fail(Errc::unsupported, "a JPEG with Huffman tables of its own");
        }
    }
    return {};
}

Result<> read_segment(std::uint8_t marker, ByteReader segment, Segments& found) {
    switch (marker) {
        case dqt: return read_tables(segment, found);
        case sof0: return read_frame(segment, found);
        case dht: return read_huffman(segment);
        case dri: found.picture.restart_interval = segment.u16(); return {};
        default: break;
    }
    const bool other_frame = marker >= 0xC1 && marker <= 0xCF && marker != 0xC8 && marker != 0xCC;
    return other_frame ? Result<>{fail(Errc::unsupported, "a JPEG that is not baseline")} : Result<>{};
}

}   // namespace

void set_quality(JpegPicture& picture, unsigned q) {
    constexpr JpegPicture::Table order = zigzag();
    q = std::clamp(q, 1U, 99U);
    const unsigned scale = q < 50 ? 5'000 / q : 200 - q * 2;
    const auto scaled = [&](const JpegPicture::Table& rows, std::size_t i) {
        return static_cast<std::uint8_t>(std::clamp((rows[order[i]] * scale + 50) / 100, 1U, 255U));
    };
    for (std::size_t i = 0; i < order.size(); ++i) {
        picture.luma[i] = scaled(luma_rows, i);
        picture.chroma[i] = scaled(chroma_rows, i);
    }
}

void write_jpeg_head(std::vector<std::byte>& out, const JpegPicture& picture) {
    ByteWriter writer{out};
    write_marker(writer, soi);
    write_marker(writer, dqt);
    writer.u16(2 + 2 * 65);
    writer.u8(0);
    writer.bytes(std::as_bytes(std::span{picture.luma}));
    writer.u8(1);
    writer.bytes(std::as_bytes(std::span{picture.chroma}));
    if (picture.restart_interval != 0) {
        write_marker(writer, dri);
        writer.u16(4);
        writer.u16(picture.restart_interval);
    }
    write_marker(writer, sof0);
    writer.u16(17);
    writer.u8(8);
    writer.u16(static_cast<std::uint16_t>(picture.height));
    writer.u16(static_cast<std::uint16_t>(picture.width));
    writer.u8(3);
    for (std::uint8_t component = 0; component < 3; ++component) {
        writer.u8(component + 1);
        writer.u8(component != 0 ? 0x11 : picture.type == 0 ? 0x21 : 0x22);
        writer.u8(component == 0 ? 0 : 1);
    }
    for (const Huffman& table : huffman_tables()) {
        write_marker(writer, dht);
        writer.u16(static_cast<std::uint16_t>(2 + 1 + 16 + table.values.size()));
        writer.u8(table.id);
        writer.bytes(std::as_bytes(std::span{table.counts}));
        writer.bytes(table.values);
    }
    write_marker(writer, sos);
    writer.u16(12);
    writer.u8(3);
    for (std::uint8_t component = 0; component < 3; ++component) {
        writer.u8(component + 1);
        writer.u8(component == 0 ? 0x00 : 0x11);
    }
    writer.u8(0);   // spectral selection: all of it
    writer.u8(63);
    writer.u8(0);
}

// T.81 annex B:  SOI | {FF | marker u8 | length u16 with itself | …}… | SOS with its header | scan | EOI
Result<JpegPicture> read_jpeg_picture(ByteSpan bytes) {
    ByteReader reader{bytes};
    Segments found;
    if (reader.u16() != (0xFF00U | soi)) {
        return fail(Errc::malformed, "no JPEG");
    }
    while (reader.ok()) {
        if (reader.u8() != 0xFF) {
            return fail(Errc::malformed, "no marker where one belongs");
        }
        std::uint8_t marker = reader.u8();
        while (marker == 0xFF) {
            marker = reader.u8();
        }
        const std::size_t length = reader.u16();
        const ByteSpan segment = reader.take(length < 2 ? reader.remaining() + 1 : length - 2);
        if (marker == sos) {
            break;
        }
        const Result<> read = reader.ok() ? read_segment(marker, ByteReader{segment}, found) : Result<>{};
        if (!read) {
            return std::unexpected(read.error());
        }
    }
    const auto& luma = found.tables[found.luma_table];
    const auto& chroma = found.tables[found.chroma_table];
    if (!reader.ok() || !found.has_frame || !luma || !chroma) {
        return fail(Errc::malformed, "a JPEG that is cut, or lacks tables");
    }
    found.picture.luma = *luma;
    found.picture.chroma = *chroma;
    found.picture.scan = reader.rest();
    const ByteSpan scan = found.picture.scan;
    if (scan.size() >= 2 && scan[scan.size() - 2] == std::byte{0xFF} && scan.back() == std::byte{eoi}) {
        found.picture.scan = scan.first(scan.size() - 2);
    }
    return found.picture;
}

media::TrackConfig config_of(const JpegPicture& picture) {
    media::TrackConfig config;
    config.codec = media::Codec::mjpeg;
    config.width = picture.width;
    config.height = picture.height;
    config.codec_string = "mjpeg";
    return config;
}

}   // namespace millrace::rtp
