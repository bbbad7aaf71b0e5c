#include "media/h264_config.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "media/h264_parameter_sets.hpp"
#include "media/nal.hpp"

#include <algorithm>

namespace millrace::media::h264 {

namespace {

// Counts in the record have 5 bits for SPS (ids 0 to 31) and 8 for PPS.
constexpr std::size_t sps_count_max = 31;
constexpr std::size_t pps_count_max = 255;

/// Profiles whose record goes on after the PPS, ISO/IEC 14496-15 §5.3.3.1.2.
bool has_extension(std::uint8_t profile) {
    return profile != 66 && profile != 77 && profile != 88;
}

Result<> put_counted(ByteReader& reader, unsigned count, ParameterSets& sets) {
    for (unsigned i = 0; i < count; ++i) {
        const ByteSpan nal = reader.take(reader.u16());
        if (!reader.ok()) {
            return fail(Errc::malformed, "avcC: parameter set longer than the record");
        }
        const Result<bool> put = sets.put(nal);
        if (!put) {
            return std::unexpected(put.error());
        }
    }
    return {};
}

}   // namespace

Result<bool> ParameterSets::put(ByteSpan nal) {
    nal = without_trailing_zeros(nal);
    if (nal.size() > parameter_set_bytes_max ||
        sps_.bytes() + pps_.bytes() + nal.size() > parameter_sets_bytes_max) {
        return fail(Errc::exhausted, "H.264 parameter sets too large");
    }
    if (type_of(nal) == NalType::sps) {
        const Result<Sps> sps = read_sps(nal);
        if (!sps) {
            return std::unexpected(sps.error());
        }
        return sps_.put(nal, *sps);
    }
    const Result<Pps> pps = read_pps(nal);
    if (!pps) {
        return std::unexpected(pps.error());
    }
    return pps_.put(nal, *pps);
}

bool ParameterSets::usable() const {
    return std::ranges::any_of(pps_.all(), [this](const Pps& pps) { return sps(pps.sps_id) != nullptr; });
}

Result<TrackConfig> ParameterSets::config(const Sps* active) const {
    for (const Pps& pps : pps_.all()) {
        active = active != nullptr ? active : sps(pps.sps_id);
    }
    if (active == nullptr) {
        return fail(Errc::malformed, "no H.264 parameter sets that belong together");
    }
    TrackConfig config;
    config.codec = Codec::h264;
    config.sps = sps_.nals();
    config.pps = pps_.nals();
    config.width = active->width;
    config.height = active->height;
    config.frame_rate = active->frame_rate;
    config.reorder_frames_max = active->reorder_frames.value_or(0);
    config.codec_string = codec_string(*active);
    return config;
}

Result<TrackConfig> config_from(std::span<const ByteSpan> nals) {
    ParameterSets sets;
    for (const ByteSpan nal : nals) {
        if (type_of(nal) != NalType::sps && type_of(nal) != NalType::pps) {
            continue;
        }
        const Result<bool> put = sets.put(nal);
        if (!put) {
            return std::unexpected(put.error());
        }
    }
    return sets.config();
}

// AVCDecoderConfigurationRecord, ISO/IEC 14496-15 §5.3.3.1:
//
//   version u8 = 1 | profile u8 | constraints u8 | level u8
//   111111 lengthSizeMinusOne u2 | 111 numOfSPS u5 | { length u16, SPS }…
//   numOfPPS u8 | { length u16, PPS }…
//   profiles other than 66, 77, 88, and often left out all the same:
//   111111 chroma_format u2 | 11111 bit_depth_luma_minus8 u3 | 11111 bit_depth_chroma_minus8 u3
//   numOfSPSExt u8 | { length u16, SPS extension }…
Result<AvcConfiguration> read_avcc(ByteSpan record) {
    ByteReader reader{record};
    if (reader.u8() != 1) {
        return fail(Errc::malformed, "avcC: unknown version");
    }
    reader.skip(3);
    const unsigned length_size = (reader.u8() & 3U) + 1;
    if (length_size == 3) {
        return fail(Errc::malformed, "avcC: NAL unit lengths of 3 bytes");
    }
    ParameterSets sets;
    if (const Result<> sps = put_counted(reader, reader.u8() & 0x1FU, sets); !sps) {
        return std::unexpected(sps.error());
    }
    if (const Result<> pps = put_counted(reader, reader.u8(), sets); !pps) {
        return std::unexpected(pps.error());
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "avcC: cut short");
    }
    Result<TrackConfig> config = sets.config();
    if (!config) {
        return std::unexpected(config.error());
    }
    return AvcConfiguration{std::move(*config), length_size};
}

std::vector<std::byte> write_avcc(const TrackConfig& config) {
    std::vector<std::byte> record;
    if (config.sps.empty()) {
        return record;
    }
    const Result<Sps> sps = read_sps(config.sps.front());
    if (!sps) {
        return record;
    }
    ByteWriter writer{record};
    writer.u8(1);
    writer.u8(sps->profile);
    writer.u8(sps->constraints);
    writer.u8(sps->level);
    writer.u8(0xFC | 3);
    const std::size_t sps_count = std::min(config.sps.size(), sps_count_max);
    writer.u8(static_cast<std::uint8_t>(0xE0U | sps_count));
    for (std::size_t i = 0; i < sps_count; ++i) {
        writer.u16(static_cast<std::uint16_t>(config.sps[i].size()));
        writer.bytes(config.sps[i]);
    }
    const std::size_t pps_count = std::min(config.pps.size(), pps_count_max);
    writer.u8(static_cast<std::uint8_t>(pps_count));
    for (std::size_t i = 0; i < pps_count; ++i) {
        writer.u16(static_cast<std::uint16_t>(config.pps[i].size()));
        writer.bytes(config.pps[i]);
    }
    if (has_extension(sps->profile)) {
        writer.u8(static_cast<std::uint8_t>(0xFCU | sps->chroma_format));
        writer.u8(static_cast<std::uint8_t>(0xF8U | (sps->bit_depth_luma - 8U)));
        writer.u8(static_cast<std::uint8_t>(0xF8U | (sps->bit_depth_chroma - 8U)));
        writer.u8(0);
    }
    return record;
}

}   // namespace millrace::media::h264
