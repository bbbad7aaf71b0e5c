#include "container/flv_body.hpp"

#include "base/byte_writer.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"

#include <algorithm>

namespace millrace::flv {

// Classic bodies (Video File Format Specification version 10, annex E.4):
//
//   video   frame:4 codec:4 | packet u8 | composition s24 ms | avcC, or NAL units after their lengths
//           frame: 1 key, 2 inter, 3 disposable, 4 generated key, 5 command
//           codec: 7 H.264; 12 H.265, which no standard says but many old senders do
//           packet: 0 sequence header, 1 coded, 2 end of sequence
//   audio   format:4 rate:2 size:1 stereo:1 | (AAC) packet u8: 0 sequence header, 1 raw | payload
//           format: 2 MP3, 10 AAC, 14 MP3 at 8 kHz; for AAC the other bits are always rate 3, 16 bit, stereo
//
// Enhanced bodies (Enhancing RTMP, FLV; v1 for video, v2 for audio):
//
//   video   1:1 frame:3 packet:4 | FourCC u32 | (coded, avc1 and hvc1) composition s24 ms | payload
//           packet: 0 sequence start, 1 coded, 2 sequence end, 3 coded without composition time,
//                   4 metadata, 5 MPEG-2 TS sequence start, 6 multitrack, 7 modifier
//   audio   9:4 packet:4 | FourCC u32 | payload
//           packet: 0 sequence start, 1 coded, 2 sequence end, 4 channel layout, 5 multitrack, 7 modifier

namespace {

constexpr std::uint32_t four_cc(std::string_view text) {
    std::uint32_t code = 0;
    for (const char c : text) {
        code = code << 8U | static_cast<std::uint8_t>(c);
    }
    return code;
}

constexpr std::uint8_t enhanced_video = 0x80;
constexpr std::uint8_t enhanced_audio = 0x90;
constexpr unsigned command_frame = 5;
constexpr std::uint8_t classic_aac = 0xAF;

std::unexpected<Error> cut_short() {
    return fail(Errc::malformed, "a tag body is cut short");
}

std::int32_t read_signed_24(ByteReader& reader) {
    return static_cast<std::int32_t>(reader.u24() << 8U) >> 8;
}

Result<media::Codec> video_codec(std::uint32_t code) {
    switch (code) {
        case four_cc("avc1"): return media::Codec::h264;
        case four_cc("hvc1"): return media::Codec::h265;
        case four_cc("av01"): return media::Codec::av1;
        default: return fail(Errc::unsupported, "a video FourCC we do not carry");
    }
}

Result<media::Codec> audio_codec(std::uint32_t code) {
    switch (code) {
        case four_cc("mp4a"): return media::Codec::aac;
        case four_cc("Opus"): return media::Codec::opus;
        case four_cc(".mp3"): return media::Codec::mp3;
        default: return fail(Errc::unsupported, "an audio FourCC we do not carry");
    }
}

Result<BodyHead> read_enhanced_video(std::uint8_t first, ByteReader& reader) {
    const unsigned type = first & 0x0FU;
    if (type == 5) {
        return fail(Errc::unsupported, "an MPEG-2 TS sequence start in FLV");
    }
    if (type == 6) {
        return fail(Errc::unsupported, "several video tracks in one body");
    }
    if (type == 7) {
        return fail(Errc::unsupported, "a modifier before a video body");
    }
    if (type > 7) {
        return fail(Errc::malformed, "a video packet type nobody has defined");
    }
    // A metadata packet has a frame type of its own accord; any other of type 5 is a command of one byte.
    if (type == 4 || (first >> 4U & 0x07U) == command_frame) {
        return BodyHead{.packet = Packet::other};
    }
    const std::uint32_t code = reader.u32();
    if (!reader.ok()) {
        return cut_short();
    }
    const Result<media::Codec> codec = video_codec(code);
    if (!codec) {
        return std::unexpected(codec.error());
    }
    constexpr Packet packets[] = {Packet::sequence_header, Packet::coded, Packet::sequence_end,
                                  Packet::coded};
    BodyHead head{.packet = packets[type], .codec = *codec};
    if (type == 1 && *codec != media::Codec::av1) {
        head.composition_ms = read_signed_24(reader);
    }
    if (!reader.ok()) {
        return cut_short();
    }
    return head;
}

Result<BodyHead> read_enhanced_audio(std::uint8_t first, ByteReader& reader) {
    switch (first & 0x0FU) {
        case 0:
        case 1:
        case 2: break;
        case 4: return BodyHead{.packet = Packet::other};
        case 5: return fail(Errc::unsupported, "several audio tracks in one body");
        case 7: return fail(Errc::unsupported, "a modifier before an audio body");
        default: return fail(Errc::malformed, "an audio packet type nobody has defined");
    }
    const std::uint32_t code = reader.u32();
    if (!reader.ok()) {
        return cut_short();
    }
    const Result<media::Codec> codec = audio_codec(code);
    if (!codec) {
        return std::unexpected(codec.error());
    }
    constexpr Packet packets[] = {Packet::sequence_header, Packet::coded, Packet::sequence_end};
    return BodyHead{.packet = packets[first & 0x0FU], .codec = *codec};
}

/// The byte before an MP3 frame. Rates that the two bits cannot say are told by the frame itself.
std::uint8_t mp3_byte(const media::TrackConfig& config) {
    const unsigned format = config.sample_rate == 8'000 ? 14 : 2;
    unsigned rate = 3;
    if (config.sample_rate == 22'050) {
        rate = 2;
    } else if (config.sample_rate == 11'025) {
        rate = 1;
    }
    const unsigned stereo = config.channels > 1 ? 1 : 0;
    return static_cast<std::uint8_t>(format << 4U | rate << 2U | 1U << 1U | stereo);
}

void write_enhanced(ByteWriter& writer, std::uint8_t first, media::Codec codec) {
    writer.u8(first);
    writer.u32(codec_id(codec));
}

}   // namespace

Result<BodyHead> read_video_head(ByteReader& reader) {
    const std::uint8_t first = reader.u8();
    if ((first & enhanced_video) != 0) {
        return read_enhanced_video(first, reader);
    }
    if (!reader.ok()) {
        return cut_short();
    }
    if (first >> 4U == command_frame) {
        return BodyHead{.packet = Packet::other};
    }
    const unsigned codec = first & 0x0FU;
    if (codec != 7 && codec != 12) {
        return fail(Errc::unsupported, "a video codec id we do not carry");
    }
    const unsigned packet = reader.u8();
    BodyHead head{.codec = codec == 7 ? media::Codec::h264 : media::Codec::h265};
    head.composition_ms = read_signed_24(reader);
    if (packet == 2) {
        // Some end with two bytes, without a composition time.
        head.packet = Packet::sequence_end;
        return head;
    }
    if (!reader.ok()) {
        return cut_short();
    }
    if (packet > 2) {
        return fail(Errc::malformed, "a video packet type nobody has defined");
    }
    head.packet = packet == 0 ? Packet::sequence_header : Packet::coded;
    return head;
}

Result<BodyHead> read_audio_head(ByteReader& reader) {
    const std::uint8_t first = reader.u8();
    if (!reader.ok()) {
        return cut_short();
    }
    switch (first >> 4U) {
        case 2:
        case 14: return BodyHead{.packet = Packet::coded, .codec = media::Codec::mp3};
        case 9: return read_enhanced_audio(first, reader);
        case 10: break;
        default: return fail(Errc::unsupported, "a sound format we do not carry");
    }
    const unsigned packet = reader.u8();
    if (!reader.ok()) {
        return cut_short();
    }
    if (packet > 1) {
        return fail(Errc::malformed, "an AAC packet type nobody has defined");
    }
    return BodyHead{.packet = packet == 0 ? Packet::sequence_header : Packet::coded,
                    .codec = media::Codec::aac};
}

BodyPrefix::BodyPrefix(const media::AccessUnit& unit) {
    const auto put = [this](std::uint32_t value, unsigned count) {
        for (unsigned shift = count * 8; shift != 0;) {
            shift -= 8;
            bytes_[size_++] = static_cast<std::byte>(value >> shift & 0xFFU);
        }
    };
    constexpr std::int64_t composition_max = 0x7FFFFF;
    const std::int64_t composition =
        std::clamp(unit.pts_ms() - unit.dts_ms(), -composition_max - 1, composition_max);
    const std::uint32_t composition_ms = static_cast<std::uint32_t>(composition) & 0xFFFFFFU;
    const std::uint32_t frame = (unit.key ? 1U : 2U) << 4U;
    const media::Codec codec = unit.config->codec;
    switch (codec) {
        case media::Codec::h264:
            put(frame | 7U, 1);
            put(1, 1);
            put(composition_ms, 3);
            break;
        case media::Codec::h265:
            put(enhanced_video | frame | (composition_ms == 0 ? 3U : 1U), 1);
            put(codec_id(codec), 4);
            if (composition_ms != 0) {
                put(composition_ms, 3);
            }
            break;
        case media::Codec::av1:
            put(enhanced_video | frame | 1U, 1);
            put(codec_id(codec), 4);
            if (unit.key) {
                // AV1 §7.5: a decoder may start only where a sequence header stands before the key frame;
                // browsers do not take it from the configuration record.
                with_header_.assign(bytes_.begin(), bytes_.begin() + size_);
                with_header_.insert(with_header_.end(), unit.config->extra.begin(), unit.config->extra.end());
            }
            break;
        case media::Codec::aac: put(classic_aac << 8U | 1U, 2); break;
        case media::Codec::mp3: put(mp3_byte(*unit.config), 1); break;
        case media::Codec::opus:
            put(enhanced_audio | 1U, 1);
            put(codec_id(codec), 4);
            break;
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg: break;   // not carried
    }
}

std::vector<std::byte> sequence_header_body(const media::TrackConfig& config) {
    constexpr std::uint8_t key = 1U << 4U;
    std::vector<std::byte> record;
    std::vector<std::byte> body;
    ByteWriter writer{body};
    switch (config.codec) {
        case media::Codec::h264:
            record = media::h264::write_avcc(config);
            writer.u8(key | 7U);
            writer.u32(0);   // packet 0, composition time 0
            break;
        case media::Codec::h265:
            record = media::h265::write_hvcc(config);
            write_enhanced(writer, enhanced_video | key, config.codec);
            break;
        case media::Codec::av1:
            record = media::av1::write_av1c(config);
            write_enhanced(writer, enhanced_video | key, config.codec);
            break;
        case media::Codec::aac:
            record.assign(config.extra.begin(), config.extra.end());
            writer.u16(classic_aac << 8U);
            break;
        case media::Codec::opus:
            record.assign(config.extra.begin(), config.extra.end());
            write_enhanced(writer, enhanced_audio, config.codec);
            break;
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg:
        case media::Codec::mp3: break;
    }
    if (record.empty()) {
        return {};
    }
    writer.bytes(record);
    return body;
}

std::vector<std::byte> sequence_end_body(media::Codec codec) {
    constexpr std::uint8_t key = 1U << 4U;
    std::vector<std::byte> body;
    ByteWriter writer{body};
    if (codec == media::Codec::h264) {
        writer.u16(static_cast<std::uint16_t>((key | 7U) << 8U | 2U));
        writer.u24(0);
    } else if (media::kind_of(codec) == media::Kind::video) {
        write_enhanced(writer, enhanced_video | key | 2U, codec);
    }
    return body;
}

std::uint32_t codec_id(media::Codec codec) {
    switch (codec) {
        case media::Codec::h264: return 7;
        case media::Codec::h265: return four_cc("hvc1");
        case media::Codec::av1: return four_cc("av01");
        case media::Codec::aac: return 10;
        case media::Codec::opus: return four_cc("Opus");
        case media::Codec::mp3: return 2;
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg: break;
    }
    return 0;
}

}   // namespace millrace::flv
