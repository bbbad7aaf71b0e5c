#include "media/opus.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>

namespace millrace::media::opus {

namespace {

constexpr std::string_view magic = "OpusHead";
constexpr std::uint8_t silent = 255;   // RFC 7845 §5.1.1: a channel of no stream

std::uint16_t u16_little_endian(ByteReader& reader) {
    return __builtin_bswap16(reader.u16());
}

bool mapping_fits(const Head& head) {
    const unsigned decoded = unsigned{head.streams} + head.coupled;
    return head.streams != 0 && head.coupled <= head.streams && decoded <= 255 &&
           std::ranges::all_of(head.mapping,
                               [decoded](std::uint8_t from) { return from == silent || from < decoded; });
}

/// Samples of a frame at 48 kHz, RFC 6716 table 2.
std::uint32_t frame_samples(std::uint8_t toc) {
    const unsigned configuration = toc >> 3U;
    if (configuration < 12) {   // SILK: 10, 20, 40, 60 ms
        constexpr std::uint32_t silk[] = {480, 960, 1920, 2880};
        return silk[configuration & 3U];
    }
    if (configuration < 16) {   // hybrid: 10, 20 ms
        return (configuration & 1U) != 0 ? 960 : 480;
    }
    return 120U << (configuration & 3U);   // CELT: 2.5, 5, 10, 20 ms
}

}   // namespace

// OpusHead, RFC 7845 §5.1, little-endian:
//
//   "OpusHead" | version u8, major in the upper half = 0 | channels u8 | pre_skip u16 | input_sample_rate u32
//   output_gain s16 | mapping_family u8 | family 1: streams u8 | coupled u8 | mapping u8 × channels
Result<Head> read_head(ByteSpan bytes) {
    ByteReader reader{bytes};
    const bool is_head = as_text(reader.take(magic.size())) == magic && (reader.u8() & 0xF0U) == 0;
    Head head;
    head.channels = reader.u8();
    head.pre_skip = u16_little_endian(reader);
    head.input_sample_rate = reader.u32_little_endian();
    head.output_gain = static_cast<std::int16_t>(u16_little_endian(reader));
    head.mapping_family = reader.u8();
    if (!reader.ok() || !is_head) {
        return fail(Errc::malformed, "not an OpusHead");
    }
    if (head.mapping_family > 1) {
        return fail(Errc::unsupported, "Opus channel mapping family");
    }
    if (head.channels == 0 || head.channels > (head.mapping_family == 0 ? 2 : channels_max)) {
        return fail(Errc::malformed, "Opus channels beyond their mapping family");
    }
    if (head.mapping_family == 0) {
        head.coupled = head.channels == 2 ? 1 : 0;
        return head;
    }
    head.streams = reader.u8();
    head.coupled = reader.u8();
    for (const std::byte from : reader.take(head.channels)) {
        head.mapping.push_back(static_cast<std::uint8_t>(from));
    }
    if (!reader.ok() || !mapping_fits(head)) {
        return fail(Errc::malformed, "broken Opus channel mapping");
    }
    return head;
}

std::vector<std::byte> write_head(const Head& head) {
    std::vector<std::byte> bytes;
    ByteWriter writer{bytes};
    writer.text(magic);
    writer.u8(1);
    writer.u8(head.channels);
    writer.u16(__builtin_bswap16(head.pre_skip));
    writer.u32_little_endian(head.input_sample_rate);
    writer.u16(__builtin_bswap16(static_cast<std::uint16_t>(head.output_gain)));
    writer.u8(head.mapping_family);
    if (head.mapping_family != 0) {
        writer.u8(head.streams);
        writer.u8(head.coupled);
        writer.bytes(std::as_bytes(std::span{head.mapping}));
    }
    return bytes;
}

Result<TrackConfig> config_from(ByteSpan head) {
    const Result<Head> parsed = read_head(head);
    if (!parsed) {
        return std::unexpected(parsed.error());
    }
    TrackConfig config;
    config.codec = Codec::opus;
    config.timescale = sample_rate;
    config.extra = Bytes{write_head(*parsed)};
    config.sample_rate = sample_rate;
    config.channels = parsed->channels;
    config.codec_string = "opus";
    return config;
}

// RFC 6716 §3.1:  config u5 | stereo u1 | code u2; code 3 is followed by  VBR u1 | padding u1 | frames u6
Result<std::uint32_t> samples_in_packet(ByteSpan packet) {
    ByteReader reader{packet};
    const std::uint8_t toc = reader.u8();
    std::uint32_t frames = 1;
    switch (toc & 3U) {
        case 0: break;
        case 3: frames = reader.u8() & 0x3FU; break;
        default: frames = 2;
    }
    const std::uint32_t samples = frames * frame_samples(toc);
    if (!reader.ok() || samples == 0 || samples > samples_per_packet_max) {
        return fail(Errc::malformed, "broken Opus packet");
    }
    return samples;
}

}   // namespace millrace::media::opus
