#include "media/aac.hpp"

#include "media/bit_reader.hpp"
#include "media/nal.hpp"

#include <fmt/format.h>

namespace millrace::media::aac {

namespace {

constexpr std::uint32_t sample_rates[] = {96'000, 88'200, 64'000, 48'000, 44'100, 32'000, 24'000,
                                          22'050, 16'000, 12'000, 11'025, 8'000,  7'350};
constexpr std::uint32_t explicit_rate = 15;
/// channelConfiguration to channels, table 1.19; 0 is said elsewhere or reserved.
constexpr std::uint8_t channels_of[] = {0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0};

/// audioObjectType, table 1.17, as far as they are AAC.
enum ObjectType : std::uint8_t {
    aac_main = 1,
    aac_lc = 2,
    aac_ssr = 3,
    aac_ltp = 4,
    sbr = 5,
    er_aac_lc = 17,
    er_aac_ld = 23,
    ps = 29,
    er_aac_eld = 39,
};

std::uint8_t read_object_type(BitReader& reader) {
    const std::uint32_t type = reader.bits(5);
    return static_cast<std::uint8_t>(type == 31 ? 32 + reader.bits(6) : type);
}

/// A rate by index or written out; 0 for a reserved index.
std::uint32_t read_rate(BitReader& reader, std::uint8_t& index) {
    index = static_cast<std::uint8_t>(reader.bits(4));
    if (index == explicit_rate) {
        return reader.bits(24);
    }
    return index < std::size(sample_rates) ? sample_rates[index] : 0;
}

bool believable(std::uint32_t sample_rate) {
    return sample_rate >= sample_rate_min && sample_rate <= sample_rate_max;
}

/// Elements of one side in a program config element: a pair or a single one.
unsigned read_elements(BitReader& reader, unsigned count) {
    unsigned channels = 0;
    for (unsigned i = 0; i < count; ++i) {
        channels += reader.flag() ? 2 : 1;
        reader.bits(4);
    }
    return channels;
}

/// program_config_element, §4.4.1.1, as far as its channels.
std::uint16_t read_program_channels(BitReader& reader) {
    reader.bits(4 + 2 + 4);   // tag, object type, rate
    const unsigned front = reader.bits(4);
    const unsigned side = reader.bits(4);
    const unsigned back = reader.bits(4);
    const unsigned lfe = reader.bits(2);
    reader.bits(3 + 4);   // associated data and coupling elements: no channels of their own
    for (unsigned mixdown = 0; mixdown < 2; ++mixdown) {
        if (reader.flag()) {
            reader.bits(4);
        }
    }
    if (reader.flag()) {   // matrix_mixdown_idx_present
        reader.bits(3);
    }
    const unsigned channels =
        read_elements(reader, front) + read_elements(reader, side) + read_elements(reader, back) + lfe;
    reader.skip(std::size_t{lfe} * 4);
    return static_cast<std::uint16_t>(channels);
}

// GASpecificConfig, §4.4.1
void read_general(BitReader& reader, AudioSpecificConfig& config) {
    const bool short_frame = reader.flag();
    if (config.object_type == er_aac_ld) {
        config.samples_per_frame = short_frame ? 480 : 512;
    } else {
        config.samples_per_frame = short_frame ? 960 : 1024;
    }
    if (reader.flag()) {   // dependsOnCoreCoder
        reader.bits(14);
    }
    const bool extension = reader.flag();
    if (config.channel_configuration == 0) {
        config.channels = read_program_channels(reader);
    }
    if (extension && config.object_type >= er_aac_lc) {
        reader.bits(3);   // resilience flags
    }
    if (extension) {
        reader.flag();   // extensionFlag3
    }
}

// §1.6.2.1, syncExtensionType: signalling that older readers pass over.
void read_sync_extension(BitReader& reader, AudioSpecificConfig& config) {
    if (reader.bits(11) != 0x2B7 || read_object_type(reader) != sbr) {
        return;
    }
    const bool has_sbr = reader.flag();
    if (!has_sbr || !reader.ok()) {
        return;
    }
    std::uint8_t index = 0;
    config.sbr = believable(read_rate(reader, index));
    const bool has_ps = config.sbr && reader.bits(11) == 0x548 && reader.flag();
    config.ps = has_ps && reader.ok();
}

}   // namespace

Result<AudioSpecificConfig> read_audio_specific_config(ByteSpan bytes) {
    BitReader reader{bytes};
    AudioSpecificConfig config;
    config.object_type = read_object_type(reader);
    config.sample_rate = read_rate(reader, config.rate_index);
    config.channel_configuration = static_cast<std::uint8_t>(reader.bits(4));
    config.channels = channels_of[config.channel_configuration];
    if (config.object_type == sbr || config.object_type == ps) {
        config.sbr = true;
        config.ps = config.object_type == ps;
        std::uint8_t index = 0;
        if (!believable(read_rate(reader, index))) {   // of the output
            return fail(Errc::malformed, "SBR sample rate out of range");
        }
        config.object_type = read_object_type(reader);
    }
    switch (config.object_type) {
        case aac_main:
        case aac_lc:
        case aac_ssr:
        case aac_ltp:
        case er_aac_lc:
        case er_aac_ld: read_general(reader, config); break;
        case er_aac_eld: config.samples_per_frame = reader.flag() ? 480 : 512; break;
        default:
            return reader.ok() ? fail(Errc::unsupported, "audio object type is not AAC")
                               : fail(Errc::malformed, "AudioSpecificConfig cut short");
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "AudioSpecificConfig cut short");
    }
    if (!believable(config.sample_rate)) {
        return fail(Errc::malformed, "AAC sample rate out of range");
    }
    if (config.channels == 0) {
        return fail(Errc::malformed, "AAC without channels");
    }
    if (!config.sbr && config.object_type <= aac_ltp && config.channel_configuration != 0) {
        read_sync_extension(reader, config);
    }
    return config;
}

Result<TrackConfig> config_from(ByteSpan audio_specific_config) {
    if (audio_specific_config.size() > parameter_set_bytes_max) {
        return fail(Errc::exhausted, "AudioSpecificConfig too large");
    }
    const Result<AudioSpecificConfig> asc = read_audio_specific_config(audio_specific_config);
    if (!asc) {
        return std::unexpected(asc.error());
    }
    TrackConfig config;
    config.codec = Codec::aac;
    config.timescale = asc->sample_rate;
    config.extra = Bytes::copy(audio_specific_config);
    config.sample_rate = asc->sample_rate;
    config.channels = asc->channels;
    config.codec_string = codec_string(*asc);
    return config;
}

std::string codec_string(const AudioSpecificConfig& config) {
    const unsigned type = config.ps ? ps : config.sbr ? sbr : config.object_type;
    return fmt::format("mp4a.40.{}", type);
}

}   // namespace millrace::media::aac
