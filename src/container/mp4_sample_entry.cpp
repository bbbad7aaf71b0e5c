#include "container/mp4_sample_entry.hpp"

#include "container/mp4_descriptor.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/opus.hpp"

namespace millrace::mp4 {
namespace {

// ISO/IEC 14496-12 §8.5.2, §12.1.3, §12.2.3:
//
//   all     6 × 0 | data_reference_index u16 = 1
//   video   16 × 0 | width u16 | height u16 | 72 dpi u32 u32 | 0 u32 | frames a sample u16 = 1
//           compressor's name, 32 bytes | depth u16 = 24 | -1 u16 | boxes: avcC, hvcC, av1C
//   audio   version u16 = 0 | 6 × 0 | channels u16 | bits u16 = 16 | 4 × 0 | rate u32 = 16.16 | boxes: esds,
//   dOps

constexpr std::uint32_t dpi_72 = 0x00480000;

FourCc entry_type(media::Codec codec, ParameterSets where) {
    const bool in_band = where == ParameterSets::in_band;
    switch (codec) {
        case media::Codec::h264: return in_band ? four_cc("avc3") : four_cc("avc1");
        case media::Codec::h265: return in_band ? four_cc("hev1") : four_cc("hvc1");
        case media::Codec::av1: return four_cc("av01");
        case media::Codec::opus: return four_cc("Opus");
        case media::Codec::aac:
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg:
        case media::Codec::mp3: break;
    }
    return four_cc("mp4a");
}

/// hev1 says that the arrays of its record are not all there is (array_completeness, 14496-15 §8.3.3.1.3).
void mark_incomplete(std::vector<std::byte>& hvcc) {
    constexpr std::size_t arrays_at = 22;
    constexpr std::size_t array_head = 3;
    ByteReader reader{hvcc};
    reader.skip(arrays_at);
    for (unsigned arrays = reader.u8(); arrays != 0 && reader.remaining() >= array_head; --arrays) {
        hvcc[hvcc.size() - reader.remaining()] &= std::byte{0x7F};
        reader.skip(1);
        for (unsigned nals = reader.u16(); nals != 0; --nals) {
            reader.skip(reader.u16());
        }
    }
}

void write_video(std::vector<std::byte>& out, const media::TrackConfig& config, ParameterSets where) {
    ByteWriter writer{out};
    writer.zeros(16);
    writer.u16(static_cast<std::uint16_t>(config.width));
    writer.u16(static_cast<std::uint16_t>(config.height));
    writer.u32(dpi_72);
    writer.u32(dpi_72);
    writer.u32(0);
    writer.u16(1);
    writer.zeros(32);
    writer.u16(24);
    writer.u16(0xFFFF);
    if (config.codec == media::Codec::h264) {
        const OpenBox box{out, four_cc("avcC")};
        writer.bytes(media::h264::write_avcc(config));
    } else if (config.codec == media::Codec::h265) {
        const OpenBox box{out, four_cc("hvcC")};
        std::vector<std::byte> record = media::h265::write_hvcc(config);
        if (where == ParameterSets::in_band) {
            mark_incomplete(record);
        }
        writer.bytes(record);
    } else {
        const OpenBox box{out, four_cc("av1C")};
        writer.bytes(media::av1::write_av1c(config));
    }
}

constexpr std::size_t specific_bytes_max =
    64;   // an AudioSpecificConfig with a program config element has less

void write_esds(std::vector<std::byte>& out, const media::TrackConfig& config) {
    const bool aac = config.codec == media::Codec::aac;
    const std::uint8_t object_type = aac                                ? mpeg4_audio
                                     : config.codec_string == "mp4a.69" ? mpeg2_layer_3
                                                                        : mpeg1_layer_3;
    const ByteSpan specific =
        aac ? config.extra.span().first(std::min(config.extra.size(), specific_bytes_max)) : ByteSpan{};
    const std::size_t specific_size = specific.empty() ? 0 : specific.size() + 2;
    const OpenBox box{out, four_cc("esds"), 0, 0};
    ByteWriter writer{out};
    writer.u8(es_tag);
    writer.u8(static_cast<std::uint8_t>(3 + 2 + 13 + specific_size + 3));
    writer.u16(0);   // ES_ID: 0 in a file, §3.1.2 of 14496-14
    writer.u8(0);
    writer.u8(decoder_tag);
    writer.u8(static_cast<std::uint8_t>(13 + specific_size));
    writer.u8(object_type);
    writer.u8(0x15);   // audio stream
    writer.u24(0);
    writer.u32(0);
    writer.u32(0);
    if (!specific.empty()) {
        writer.u8(specific_tag);
        writer.u8(static_cast<std::uint8_t>(specific.size()));
        writer.bytes(specific);
    }
    writer.u8(sl_tag);
    writer.u8(1);
    writer.u8(2);
}

// "Encapsulation of Opus in ISO Base Media File Format" §4.3.2, big-endian unlike OpusHead:
//
//   version u8 = 0 | channels u8 | pre_skip u16 | input_sample_rate u32 | output_gain s16 | mapping_family u8
//   family 1: streams u8 | coupled u8 | mapping u8 × channels
void write_dops(std::vector<std::byte>& out, const media::TrackConfig& config) {
    const media::opus::Head head = media::opus::read_head(config.extra).value_or(media::opus::Head{});
    const OpenBox box{out, four_cc("dOps")};
    ByteWriter writer{out};
    writer.u8(0);
    writer.u8(head.channels);
    writer.u16(head.pre_skip);
    writer.u32(head.input_sample_rate);
    writer.u16(static_cast<std::uint16_t>(head.output_gain));
    writer.u8(head.mapping_family);
    if (head.mapping_family != 0) {
        writer.u8(head.streams);
        writer.u8(head.coupled);
        writer.bytes(std::as_bytes(std::span{head.mapping}));
    }
}

void write_audio(std::vector<std::byte>& out, const media::TrackConfig& config) {
    constexpr std::uint32_t rate_max = 0xFFFF;   // what 16.16 holds; beyond it players read the esds
    ByteWriter writer{out};
    writer.zeros(8);
    writer.u16(config.channels == 0 ? 2 : config.channels);
    writer.u16(16);
    writer.u32(0);
    writer.u32(config.sample_rate <= rate_max ? config.sample_rate << 16U : 0);
    if (config.codec == media::Codec::opus) {
        write_dops(out, config);
    } else {
        write_esds(out, config);
    }
}

}   // namespace

void write_sample_entry(std::vector<std::byte>& out, const media::TrackConfig& config, ParameterSets where) {
    const OpenBox box{out, entry_type(config.codec, where)};
    ByteWriter writer{out};
    writer.zeros(6);
    writer.u16(1);
    if (media::kind_of(config.codec) == media::Kind::video) {
        write_video(out, config, where);
    } else {
        write_audio(out, config);
    }
}

}   // namespace millrace::mp4
