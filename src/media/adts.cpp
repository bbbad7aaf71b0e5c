#include "media/aac.hpp"
#include "media/bit_reader.hpp"

namespace millrace::media::aac {

namespace {

constexpr std::size_t frame_size_max = 0x1FFF;   // 13 bits
constexpr std::uint8_t header_size = 7;
constexpr std::uint8_t checksum_size = 2;
constexpr std::uint8_t rate_index_max = 12;

}   // namespace

// ADTS header, §1.A.2.2.1 and .2:
//
//   syncword u12 = FFF | ID u1 | layer u2 = 0 | protection_absent u1
//   profile u2 | sampling_frequency_index u4 | private u1 | channel_configuration u3 | original u1 | home u1
//   copyright u2 | aac_frame_length u13 | buffer_fullness u11 | number_of_raw_data_blocks u2 | [crc u16]
Result<AdtsHeader> read_adts_header(ByteSpan bytes) {
    BitReader reader{bytes};
    const std::uint32_t sync = reader.bits(12);
    reader.flag();   // ID: MPEG-4 or MPEG-2, the same to us
    const std::uint32_t layer = reader.bits(2);
    AdtsHeader header;
    header.header_size = static_cast<std::uint8_t>(header_size + (reader.flag() ? 0 : checksum_size));
    header.object_type = static_cast<std::uint8_t>(reader.bits(2) + 1);
    header.rate_index = static_cast<std::uint8_t>(reader.bits(4));
    reader.flag();
    header.channel_configuration = static_cast<std::uint8_t>(reader.bits(3));
    reader.bits(4);
    header.frame_size = static_cast<std::uint16_t>(reader.bits(13));
    reader.bits(11);
    const std::uint32_t more_blocks = reader.bits(2);
    if (!reader.ok() || sync != 0xFFF || layer != 0) {
        return fail(Errc::malformed, "not an ADTS header");
    }
    if (header.rate_index > rate_index_max) {
        return fail(Errc::malformed, "ADTS sample rate is reserved");
    }
    if (header.frame_size <= header.header_size) {
        return fail(Errc::malformed, "ADTS frame shorter than its header");
    }
    if (more_blocks != 0) {
        return fail(Errc::unsupported, "ADTS frame of more than one raw data block");
    }
    return header;
}

Result<AdtsFrames> split_adts(ByteSpan bytes) {
    AdtsFrames frames;
    while (bytes.size() >= header_size) {
        const Result<AdtsHeader> header = read_adts_header(bytes);
        if (!header) {
            return std::unexpected(header.error());
        }
        if (header->frame_size > bytes.size()) {
            break;
        }
        if (frames.raw_frames.size() == adts_frames_max) {
            return fail(Errc::exhausted, "too many ADTS frames in a buffer");
        }
        if (frames.raw_frames.empty()) {
            frames.header = *header;
        }
        const std::size_t raw = header->frame_size - std::size_t{header->header_size};
        frames.raw_frames.push_back(bytes.subspan(header->header_size, raw));
        bytes = bytes.subspan(header->frame_size);
    }
    frames.rest = bytes;
    return frames;
}

Result<std::array<std::byte, 7>> write_adts_header(const TrackConfig& config, std::size_t raw_frame_size) {
    const Result<AudioSpecificConfig> asc = read_audio_specific_config(config.extra);
    if (!asc) {
        return std::unexpected(asc.error());
    }
    const std::size_t size = raw_frame_size + header_size;
    if (asc->object_type > 4 || asc->rate_index > rate_index_max || asc->channel_configuration == 0 ||
        asc->channel_configuration > 7 || asc->samples_per_frame != 1024 || raw_frame_size > frame_size_max ||
        size > frame_size_max) {
        return fail(Errc::unsupported, "AAC that ADTS cannot carry");
    }
    constexpr std::uint32_t buffer_fullness_unknown = 0x7FF;
    const auto length = static_cast<std::uint32_t>(size);
    const unsigned profile = asc->object_type - 1U;
    const unsigned channels = asc->channel_configuration;
    const std::array<std::uint32_t, 7> bytes = {
        0xFF,
        0xF1,
        profile << 6U | unsigned{asc->rate_index} << 2U | channels >> 2U,
        (channels & 3U) << 6U | length >> 11U,
        length >> 3U & 0xFFU,
        (length & 7U) << 5U | buffer_fullness_unknown >> 6U,
        (buffer_fullness_unknown & 0x3FU) << 2U,
    };
    std::array<std::byte, 7> header{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        header[i] = static_cast<std::byte>(bytes[i]);
    }
    return header;
}

std::vector<std::byte> write_audio_specific_config(const AdtsHeader& header) {
    const unsigned bits = unsigned{header.object_type} << 11U | unsigned{header.rate_index} << 7U |
                          unsigned{header.channel_configuration} << 3U;
    return {static_cast<std::byte>(bits >> 8U), static_cast<std::byte>(bits & 0xFFU)};
}

}   // namespace millrace::media::aac
