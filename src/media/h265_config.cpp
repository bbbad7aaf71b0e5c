#include "media/h265_config.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "media/h265_parameter_sets.hpp"
#include "media/nal.hpp"

namespace millrace::media::h265 {

namespace {

bool is_parameter_set(NalType type) {
    return type >= NalType::vps && type <= NalType::pps;
}

/// parallelismType, ISO/IEC 14496-15 §8.3.3.1.3.
std::uint8_t parallelism(const TrackConfig& config) {
    if (config.pps.empty()) {
        return 0;
    }
    const Result<Pps> pps = read_pps(config.pps.front());
    if (!pps || (pps->tiles && pps->entropy_sync)) {
        return 0;
    }
    return pps->entropy_sync ? 3 : pps->tiles ? 2 : 1;
}

void write_array(ByteWriter& writer, NalType type, const std::vector<Bytes>& nals) {
    constexpr unsigned complete = 0x80;   // none in band: hvc1
    writer.u8(static_cast<std::uint8_t>(complete | static_cast<unsigned>(type)));
    writer.u16(static_cast<std::uint16_t>(nals.size()));
    for (const Bytes& nal : nals) {
        writer.u16(static_cast<std::uint16_t>(nal.size()));
        writer.bytes(nal);
    }
}

template <class Parsed>
Result<bool> put_parsed(ParameterSetTable<Parsed>& table, ByteSpan nal, const Result<Parsed>& parsed) {
    if (!parsed) {
        return std::unexpected(parsed.error());
    }
    return table.put(nal, *parsed);
}

Result<> put_array(ByteReader& reader, ParameterSets& sets) {
    const auto type = NalType{static_cast<std::uint8_t>(reader.u8() & 0x3FU)};
    const unsigned count = reader.u16();
    for (unsigned i = 0; i < count; ++i) {
        const ByteSpan nal = reader.take(reader.u16());
        if (!reader.ok()) {
            return fail(Errc::malformed, "hvcC: NAL unit longer than the record");
        }
        if (!is_parameter_set(type)) {
            continue;
        }
        if (const Result<bool> put = sets.put(nal); !put) {
            return std::unexpected(put.error());
        }
    }
    return {};
}

}   // namespace

Result<bool> ParameterSets::put(ByteSpan nal) {
    nal = without_trailing_zeros(nal);
    if (nal.size() > parameter_set_bytes_max ||
        vps_.bytes() + sps_.bytes() + pps_.bytes() + nal.size() > parameter_sets_bytes_max) {
        return fail(Errc::exhausted, "H.265 parameter sets too large");
    }
    switch (type_of(nal)) {
        case NalType::vps: return put_parsed(vps_, nal, read_vps(nal));
        case NalType::sps: return put_parsed(sps_, nal, read_sps(nal));
        default: return put_parsed(pps_, nal, read_pps(nal));
    }
}

Result<TrackConfig> ParameterSets::config(const Sps* active) const {
    for (const Pps& pps : pps_.all()) {
        const Sps* candidate = sps(pps.sps_id);
        if (active == nullptr && candidate != nullptr && complete(*candidate)) {
            active = candidate;
        }
    }
    if (active == nullptr) {
        return fail(Errc::malformed, "no H.265 parameter sets that belong together");
    }
    TrackConfig config;
    config.codec = Codec::h265;
    config.vps = vps_.nals();
    config.sps = sps_.nals();
    config.pps = pps_.nals();
    config.width = active->width;
    config.height = active->height;
    const Vps* vps = vps_.find(active->vps_id);
    config.frame_rate = active->frame_rate > 0 || vps == nullptr ? active->frame_rate : vps->frame_rate;
    config.reorder_frames_max = active->reorder_frames;
    config.codec_string = codec_string(*active);
    return config;
}

Result<TrackConfig> config_from(std::span<const ByteSpan> nals) {
    ParameterSets sets;
    for (const ByteSpan nal : nals) {
        if (!is_parameter_set(type_of(nal))) {
            continue;
        }
        if (const Result<bool> put = sets.put(nal); !put) {
            return std::unexpected(put.error());
        }
    }
    return sets.config();
}

// HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 §8.3.3.1:
//
//   version u8 = 1 | profile_space u2 tier u1 profile u5 | compatibility u32 | constraints u48 | level u8
//   1111 min_spatial_segmentation u12 | 111111 parallelism u2 | 111111 chroma_format u2
//   11111 bit_depth_luma_minus8 u3 | 11111 bit_depth_chroma_minus8 u3 | avgFrameRate u16
//   constantFrameRate u2 numTemporalLayers u3 temporalIdNested u1 lengthSizeMinusOne u2
//   numOfArrays u8 | { completeness u1 0 nal_unit_type u6 | numNalus u16 | { length u16, NAL unit }… }…
Result<HevcConfiguration> read_hvcc(ByteSpan record) {
    ByteReader reader{record};
    if (reader.u8() != 1) {
        return fail(Errc::malformed, "hvcC: unknown version");
    }
    reader.skip(20);
    const unsigned length_size = (reader.u8() & 3U) + 1;
    if (length_size == 3) {
        return fail(Errc::malformed, "hvcC: NAL unit lengths of 3 bytes");
    }
    ParameterSets sets;
    const unsigned arrays = reader.u8();
    for (unsigned i = 0; i < arrays; ++i) {
        if (const Result<> put = put_array(reader, sets); !put) {
            return std::unexpected(put.error());
        }
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "hvcC: cut short");
    }
    Result<TrackConfig> config = sets.config();
    if (!config) {
        return std::unexpected(config.error());
    }
    return HevcConfiguration{std::move(*config), length_size};
}

std::vector<std::byte> write_hvcc(const TrackConfig& config) {
    std::vector<std::byte> record;
    if (config.sps.empty()) {
        return record;
    }
    const Result<Sps> sps = read_sps(config.sps.front());
    if (!sps) {
        return record;
    }
    const ProfileTierLevel& level = sps->level;
    ByteWriter writer{record};
    writer.u8(1);
    writer.u8(static_cast<std::uint8_t>(level.space << 6U | (level.high_tier ? 0x20U : 0U) | level.profile));
    writer.u32(level.compatibility);
    writer.bytes(std::as_bytes(std::span{level.constraints}));
    writer.u8(level.level);
    writer.u16(static_cast<std::uint16_t>(0xF000U | sps->min_spatial_segmentation));
    writer.u8(static_cast<std::uint8_t>(0xFCU | parallelism(config)));
    writer.u8(static_cast<std::uint8_t>(0xFCU | sps->chroma_format));
    writer.u8(static_cast<std::uint8_t>(0xF8U | (sps->bit_depth_luma - 8U)));
    writer.u8(static_cast<std::uint8_t>(0xF8U | (sps->bit_depth_chroma - 8U)));
    writer.u16(0);   // avgFrameRate: not said
    writer.u8(static_cast<std::uint8_t>(sps->sub_layers << 3U | (sps->temporal_id_nesting ? 4U : 0U) | 3U));
    writer.u8(3);
    write_array(writer, NalType::vps, config.vps);
    write_array(writer, NalType::sps, config.sps);
    write_array(writer, NalType::pps, config.pps);
    return record;
}

}   // namespace millrace::media::h265
