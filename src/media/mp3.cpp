#include "media/mp3.hpp"

#include "media/bit_reader.hpp"

namespace millrace::media::mp3 {

namespace {

/// Kilobits a second of layer III; index 0 is the free format.
constexpr std::uint16_t bitrates_mpeg1[] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
constexpr std::uint16_t bitrates_mpeg2[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
constexpr std::uint32_t sample_rates_mpeg1[] = {44'100, 48'000, 32'000};

enum Version : std::uint8_t { mpeg25, reserved, mpeg2, mpeg1 };
enum Layer : std::uint8_t { layer_reserved, layer3, layer2, layer1 };

}   // namespace

//   syncword u11 = 7FF | version u2 | layer u2 | protection_absent u1
//   bitrate u4 | sample_rate u2 | padding u1 | private u1 | mode u2 | mode_extension u2 | … | emphasis u2
Result<FrameHeader> read_header(ByteSpan bytes) {
    BitReader reader{bytes};
    const std::uint32_t sync = reader.bits(11);
    const std::uint32_t version = reader.bits(2);
    const std::uint32_t layer = reader.bits(2);
    reader.flag();
    const std::uint32_t bitrate = reader.bits(4);
    const std::uint32_t rate = reader.bits(2);
    const std::uint32_t padding = reader.bits(1);
    reader.flag();
    const std::uint32_t mode = reader.bits(2);
    const std::uint32_t tail = reader.bits(6);
    if (!reader.ok() || sync != 0x7FF || version == reserved || layer == layer_reserved ||
        bitrate >= std::size(bitrates_mpeg1) || rate >= std::size(sample_rates_mpeg1) || (tail & 3U) == 2) {
        return fail(Errc::malformed, "not an MPEG audio header");
    }
    if (layer != layer3 || bitrate == 0) {
        return fail(Errc::unsupported, "MPEG audio other than layer III of a fixed rate");
    }
    FrameHeader header;
    const unsigned halvings = version == mpeg1 ? 0 : version == mpeg2 ? 1 : 2;
    header.sample_rate = sample_rates_mpeg1[rate] >> halvings;
    header.bitrate_bps = 1'000U * (version == mpeg1 ? bitrates_mpeg1 : bitrates_mpeg2)[bitrate];
    header.channels = mode == 3 ? 1 : 2;
    header.samples_per_frame = version == mpeg1 ? 1152 : 576;
    const std::uint32_t size =
        header.samples_per_frame / 8U * header.bitrate_bps / header.sample_rate + padding;
    header.frame_size = static_cast<std::uint16_t>(size);
    return header;
}

Result<TrackConfig> config_from(ByteSpan frame) {
    const Result<FrameHeader> header = read_header(frame);
    if (!header) {
        return std::unexpected(header.error());
    }
    TrackConfig config;
    config.codec = Codec::mp3;
    config.timescale = header->sample_rate;
    config.sample_rate = header->sample_rate;
    config.channels = header->channels;
    // Object type indications of ISO/IEC 14496-1 table 5: 6B is MPEG-1 audio, 69 is MPEG-2.
    config.codec_string = header->samples_per_frame == 1152 ? "mp4a.6B" : "mp4a.69";
    return config;
}

}   // namespace millrace::media::mp3
