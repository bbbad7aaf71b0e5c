#include "media/av1.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "media/bit_reader.hpp"
#include "media/nal.hpp"

namespace millrace::media::av1 {

namespace {

constexpr unsigned has_extension = 0x04;
constexpr unsigned has_size = 0x02;
constexpr unsigned forbidden = 0x80;
constexpr unsigned leb128_bytes_max = 8;   // §4.10.5

std::uint64_t read_leb128(ByteReader& reader) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < leb128_bytes_max; ++i) {
        const std::uint64_t byte = reader.u8();
        value |= (byte & 0x7FU) << (i * 7);
        if ((byte & 0x80U) == 0) {
            return value;
        }
    }
    return UINT64_MAX;   // longer than the specification allows, and than any input
}

void write_leb128(ByteWriter& writer, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) {
        writer.u8(static_cast<std::uint8_t>(value | 0x80U));
    }
    writer.u8(static_cast<std::uint8_t>(value));
}

// §5.3.2:  forbidden u1 | obu_type u4 | extension_flag u1 | has_size u1 | reserved u1
//          [temporal_id u3 | spatial_id u2 | reserved u3]  [obu_size leb128]  payload
Result<Obu> take_obu(ByteReader& reader) {
    Obu obu;
    const ByteSpan from_here = reader.rest();
    obu.header = reader.u8();
    obu.type = ObuType{static_cast<std::uint8_t>(obu.header >> 3U & 0x0FU)};
    if ((obu.header & has_extension) != 0) {
        obu.extension = reader.u8();
    }
    const std::uint64_t size = (obu.header & has_size) != 0 ? read_leb128(reader) : reader.remaining();
    if (size > reader.remaining() || (obu.header & forbidden) != 0) {
        return fail(Errc::malformed, "OBU longer than its temporal unit");
    }
    obu.payload = reader.take(static_cast<std::size_t>(size));
    if (!reader.ok()) {
        return fail(Errc::malformed, "OBU cut short");
    }
    obu.whole = from_here.first(from_here.size() - reader.remaining());
    return obu;
}

}   // namespace

Result<std::vector<Obu>> split_obus(ByteSpan bytes) {
    std::vector<Obu> obus;
    ByteReader reader{bytes};
    while (!reader.at_end()) {
        if (obus.size() == nals_per_access_unit_max) {
            return fail(Errc::exhausted, "too many OBUs in a temporal unit");
        }
        const Result<Obu> obu = take_obu(reader);
        if (!obu) {
            return std::unexpected(obu.error());
        }
        obus.push_back(*obu);
    }
    return obus;
}

Result<std::vector<ByteSpan>> split_temporal_unit(ByteSpan bytes) {
    const Result<std::vector<Obu>> obus = split_obus(bytes);
    if (!obus) {
        return std::unexpected(obus.error());
    }
    std::vector<ByteSpan> whole;
    for (const Obu& obu : *obus) {
        whole.push_back(obu.whole);
    }
    return whole;
}

Result<Obu> read_obu(ByteSpan bytes) {
    ByteReader reader{bytes};
    Result<Obu> obu = take_obu(reader);
    if (obu && !reader.at_end()) {
        return fail(Errc::malformed, "bytes after an OBU");
    }
    return obu;
}

void append_obu(std::vector<std::byte>& out, const Obu& obu) {
    ByteWriter writer{out};
    writer.u8(static_cast<std::uint8_t>(obu.header | has_size));
    if ((obu.header & has_extension) != 0) {
        writer.u8(obu.extension);
    }
    write_leb128(writer, obu.payload.size());
    writer.bytes(obu.payload);
}

// §5.9.2, the first fields of uncompressed_header.
Result<FrameStart> read_frame_start(ByteSpan payload, const SequenceHeader& sequence) {
    enum FrameType : std::uint8_t { key_frame, inter_frame, intra_only_frame, switch_frame };
    if (payload.empty()) {
        return fail(Errc::malformed, "AV1 frame header cut short");
    }
    if (sequence.reduced_still_picture_header) {
        return FrameStart{.key = true, .type = PictureType::i};
    }
    BitReader reader{payload};
    if (reader.flag()) {   // show_existing_frame
        return FrameStart{};
    }
    const std::uint32_t type = reader.bits(2);
    const bool shown = reader.flag();
    return FrameStart{
        .key = type == key_frame && shown,
        .type = type == key_frame || type == intra_only_frame ? PictureType::i : PictureType::p};
}

bool starts_with_key_frame(ByteSpan temporal_unit) {
    const Result<std::vector<Obu>> obus = split_obus(temporal_unit);
    if (!obus) {
        return false;
    }
    Result<SequenceHeader> sequence = fail(Errc::not_found, "no sequence header");
    for (const Obu& obu : *obus) {
        if (obu.type == ObuType::sequence_header) {
            sequence = read_sequence_header(obu.payload);
        } else if (obu.type == ObuType::frame_header || obu.type == ObuType::frame) {
            const Result<FrameStart> frame =
                sequence ? read_frame_start(obu.payload, *sequence) : std::unexpected(sequence.error());
            return frame && frame->key;
        }
    }
    return false;
}

Result<TrackConfig> config_from(ByteSpan sequence_header_obu) {
    const Result<Obu> obu = read_obu(sequence_header_obu);
    if (!obu || obu->type != ObuType::sequence_header || obu->payload.size() > parameter_set_bytes_max) {
        return fail(Errc::malformed, "not an AV1 sequence header");
    }
    const Result<SequenceHeader> sequence = read_sequence_header(obu->payload);
    if (!sequence) {
        return std::unexpected(sequence.error());
    }
    TrackConfig config;
    config.codec = Codec::av1;
    std::vector<std::byte> extra;
    append_obu(extra, *obu);
    config.extra = Bytes{std::move(extra)};
    config.width = sequence->width;
    config.height = sequence->height;
    config.frame_rate = sequence->frame_rate;
    config.codec_string = codec_string(*sequence);
    return config;
}

// AV1CodecConfigurationRecord, AV1-ISOBMFF §2.3.3:
//
//   marker 1 version u7 = 1 | seq_profile u3 seq_level_idx u5
//   tier u1 high_bitdepth u1 twelve_bit u1 monochrome u1 subsampling_x u1 subsampling_y u1 position u2
//   reserved u3 initial_presentation_delay u5 | configOBUs
Result<TrackConfig> read_av1c(ByteSpan record) {
    ByteReader reader{record};
    if (reader.u8() != 0x81) {
        return fail(Errc::malformed, "av1C: unknown version");
    }
    reader.skip(3);
    const ByteSpan config_obus = reader.rest();
    const Result<std::vector<Obu>> obus = split_obus(config_obus);
    if (!obus) {
        return std::unexpected(obus.error());
    }
    for (const Obu& obu : *obus) {
        if (obu.type == ObuType::sequence_header) {
            std::vector<std::byte> header;
            append_obu(header, obu);
            return config_from(header);
        }
    }
    return fail(Errc::malformed, "av1C: no sequence header");
}

std::vector<std::byte> write_av1c(const TrackConfig& config) {
    std::vector<std::byte> record;
    const Result<Obu> obu = read_obu(config.extra);
    const Result<SequenceHeader> sequence =
        obu ? read_sequence_header(obu->payload) : std::unexpected(obu.error());
    if (!sequence) {
        return record;
    }
    ByteWriter writer{record};
    writer.u8(0x81);
    writer.u8(static_cast<std::uint8_t>(sequence->profile << 5U | sequence->level));
    const unsigned form = (sequence->tier ? 0x80U : 0U) | (sequence->bit_depth > 8 ? 0x40U : 0U) |
                          (sequence->bit_depth > 10 ? 0x20U : 0U) | (sequence->monochrome ? 0x10U : 0U) |
                          (sequence->subsampling_x ? 0x08U : 0U) | (sequence->subsampling_y ? 0x04U : 0U) |
                          sequence->chroma_sample_position;
    writer.u8(static_cast<std::uint8_t>(form));
    writer.u8(0);
    writer.bytes(config.extra);
    return record;
}

}   // namespace millrace::media::av1
