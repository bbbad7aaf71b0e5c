#include "container/ts_elementary.hpp"

#include "base/byte_writer.hpp"
#include "container/ts_pes.hpp"
#include "container/ts_sections.hpp"
#include "media/aac.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/opus.hpp"

#include <algorithm>
#include <array>

namespace millrace::ts {
namespace {

constexpr std::string_view opus_name = "Opus";
constexpr std::uint8_t opus_extension = 0x80;   // descriptor_tag_extension, user defined
constexpr std::uint8_t metadata_pointer_tag = 0x25;
constexpr std::uint8_t metadata_tag = 0x26;
constexpr std::string_view id3_identifier = "ID3 ";
constexpr std::string_view klv_identifier = "KLVA";
constexpr std::uint32_t half_rates_below = 32'000;

/// The streams, and how many of them are coupled, that a channel_config_code of 1 to 8 stands for: those of
/// RFC 7845 §5.1.1.2 with its order of channels.
struct OpusLayout {
    std::uint8_t streams;
    std::uint8_t coupled;
    std::array<std::uint8_t, media::opus::channels_max> mapping;
};
constexpr std::array<OpusLayout, media::opus::channels_max> opus_layouts = {{
    {1, 0, {0}},
    {1, 1, {0, 1}},
    {2, 1, {0, 2, 1}},
    {2, 2, {0, 1, 2, 3}},
    {3, 2, {0, 4, 1, 2, 3}},
    {4, 2, {0, 4, 1, 2, 3, 5}},
    {4, 3, {0, 4, 1, 2, 3, 5, 6}},
    {5, 3, {0, 6, 1, 2, 3, 4, 5, 7}},
}};

/// channel_config_code; nothing for layouts that would need to be spelt out.
std::optional<std::uint8_t> opus_code(ByteSpan opus_head) {
    const Result<media::opus::Head> head = media::opus::read_head(opus_head);
    if (!head) {
        return std::nullopt;
    }
    if (head->mapping_family == 0) {
        return head->channels;
    }
    const OpusLayout& layout = opus_layouts.at(head->channels - 1U);
    const bool usual = head->streams == layout.streams && head->coupled == layout.coupled &&
                       std::equal(head->mapping.begin(), head->mapping.end(), layout.mapping.begin());
    return usual ? std::optional{head->channels} : std::nullopt;
}

media::ConfigRef opus_config(std::uint8_t code) {
    if (code == 0 || code > opus_layouts.size()) {
        return nullptr;   // two mono programmes, or a layout spelt out
    }
    const OpusLayout& layout = opus_layouts.at(code - 1U);
    media::opus::Head head;
    head.channels = code;
    head.input_sample_rate = media::opus::sample_rate;
    head.streams = layout.streams;
    head.coupled = layout.coupled;
    if (code > 2) {
        head.mapping_family = 1;
        head.mapping.assign(layout.mapping.begin(), layout.mapping.begin() + code);
    }
    Result<media::TrackConfig> config = media::opus::config_from(media::opus::write_head(head));
    return config ? std::make_shared<const media::TrackConfig>(std::move(*config)) : nullptr;
}

/// opus_control_header: prefix u11 = 3FF | start_trim u1 | end_trim u1 | extension u1 | reserved u2
/// then the packet's size as bytes of FF and one below, added up.
void append_opus_control(std::vector<std::byte>& out, std::size_t size) {
    ByteWriter writer{out};
    writer.u16(0x7FE0);
    for (; size >= 0xFF; size -= 0xFF) {
        writer.u8(0xFF);
    }
    writer.u8(static_cast<std::uint8_t>(size));
}

void append_start_code(std::vector<std::byte>& out, ByteSpan nal) {
    ByteWriter writer{out};
    writer.u32(1);
    writer.bytes(nal);
}

void append_delimiter(std::vector<std::byte>& out, const media::AccessUnit& unit) {
    if (unit.config->codec == media::Codec::h264) {
        // H.264 §7.4.2.4: primary_pic_type 0 has I slices alone, 7 any.
        const std::array delimiter{std::byte{0x09}, unit.key ? std::byte{0x10} : std::byte{0xF0}};
        append_start_code(out, delimiter);
        return;
    }
    // H.265 §7.4.2.2: the delimiter has the TemporalId of its picture.
    std::byte temporal_id{1};
    ByteReader reader{unit.payload};
    while (!reader.at_end()) {
        const ByteSpan nal = reader.take(reader.u32());
        if (media::h265::is_vcl(media::h265::type_of(nal)) && nal.size() >= media::h265::nal_header_size) {
            temporal_id = nal[1] & std::byte{0x07};
            break;
        }
    }
    // pic_type 0 has I slices alone, 2 any.
    const std::array delimiter{std::byte{0x46}, temporal_id, unit.key ? std::byte{0x10} : std::byte{0x50}};
    append_start_code(out, delimiter);
}

}   // namespace

bool carries(const media::Track& track) {
    if (track.config == nullptr) {
        return track.kind != media::Kind::data;
    }
    switch (track.config->codec) {
        case media::Codec::h264:
        case media::Codec::h265:
        case media::Codec::mp3: return true;
        case media::Codec::aac: return media::aac::write_adts_header(*track.config, 0).has_value();
        case media::Codec::opus: return opus_code(track.config->extra).has_value();
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg:
        case media::Codec::av1: break;   // nothing that reads transport streams would know them
    }
    return false;
}

StreamType stream_type(const media::TrackConfig& config) {
    switch (config.codec) {
        case media::Codec::h264: return StreamType::h264;
        case media::Codec::h265: return StreamType::h265;
        case media::Codec::aac: return StreamType::adts;
        case media::Codec::mp3:
            return config.sample_rate < half_rates_below ? StreamType::mpeg2_audio : StreamType::mpeg1_audio;
        case media::Codec::opus:
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg:
        case media::Codec::av1: break;
    }
    return StreamType::private_pes;
}

std::vector<std::byte> descriptors(const media::TrackConfig& config) {
    std::vector<std::byte> out;
    if (config.codec == media::Codec::opus) {
        ByteWriter writer{out};
        writer.u8(registration_tag);
        writer.u8(static_cast<std::uint8_t>(opus_name.size()));
        writer.text(opus_name);
        writer.u8(extension_tag);
        writer.u8(2);
        writer.u8(opus_extension);
        writer.u8(opus_code(config.extra).value_or(0));
    }
    return out;
}

namespace {

// metadata_application_format u16 = FFFF, said by an identifier of 4 | metadata_format u8 = FF, likewise of 4
// metadata_service_id u8 | flags
void append_id3_format(ByteWriter& writer) {
    writer.u16(0xFFFF);
    writer.text(id3_identifier);
    writer.u8(0xFF);
    writer.text(id3_identifier);
    writer.u8(0);
}

}   // namespace

std::vector<std::byte> id3_descriptors() {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.u8(metadata_tag);
    writer.u8(13);
    append_id3_format(writer);
    writer.u8(0x0F);   // no decoder configuration
    return out;
}

std::vector<std::byte> id3_pointer(std::uint16_t programme) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.u8(metadata_pointer_tag);
    writer.u8(15);
    append_id3_format(writer);
    writer.u8(0x1F);   // in this transport stream
    writer.u16(programme);
    return out;
}

std::vector<std::byte> klv_descriptors() {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.u8(registration_tag);
    writer.u8(static_cast<std::uint8_t>(klv_identifier.size()));
    writer.text(klv_identifier);
    return out;
}

bool is_klv(std::uint8_t stream_type, ByteSpan descriptors) {
    const auto type = static_cast<StreamType>(stream_type);
    if (type != StreamType::private_pes && type != StreamType::metadata) {
        return false;
    }
    const auto registered = find_descriptor(descriptors, registration_tag);
    if (registered && as_text(*registered).starts_with(klv_identifier)) {
        return true;
    }
    // metadata_application_format u16, then metadata_format: FF, said by an identifier.
    const auto metadata = find_descriptor(descriptors, metadata_tag);
    if (type != StreamType::metadata || !metadata) {
        return false;
    }
    ByteReader reader{*metadata};
    constexpr std::uint16_t said_by_identifier = 0xFFFF;
    if (reader.u16() == said_by_identifier) {
        reader.skip(klv_identifier.size());
    }
    return reader.u8() == 0xFF && as_text(reader.take(klv_identifier.size())) == klv_identifier;
}

std::uint8_t stream_id(const media::TrackConfig& config) {
    if (media::kind_of(config.codec) == media::Kind::video) {
        return video_stream_id;
    }
    return config.codec == media::Codec::opus ? private_stream_id : audio_stream_id;
}

std::optional<media::Codec> codec_of(std::uint8_t stream_type, ByteSpan descriptors) {
    switch (static_cast<StreamType>(stream_type)) {
        case StreamType::h264: return media::Codec::h264;
        case StreamType::h265: return media::Codec::h265;
        case StreamType::adts: return media::Codec::aac;
        case StreamType::mpeg1_audio:
        case StreamType::mpeg2_audio: return media::Codec::mp3;
        case StreamType::private_pes: break;
        default: return std::nullopt;
    }
    const std::optional<ByteSpan> registered = find_descriptor(descriptors, registration_tag);
    if (registered && as_text(*registered) == opus_name) {
        return media::Codec::opus;
    }
    return std::nullopt;
}

media::ConfigRef config_of(media::Codec codec, ByteSpan descriptors) {
    const std::optional<ByteSpan> extension =
        codec == media::Codec::opus ? find_descriptor(descriptors, extension_tag) : std::nullopt;
    if (!extension) {
        return nullptr;
    }
    ByteReader reader{*extension};
    const bool is_opus = reader.u8() == opus_extension;
    const std::uint8_t code = reader.u8();
    return reader.ok() && is_opus ? opus_config(code) : nullptr;
}

bool append_prefix(std::vector<std::byte>& out, const media::AccessUnit& unit, bool with_sets) {
    const media::TrackConfig& config = *unit.config;
    switch (config.codec) {
        case media::Codec::h264:
        case media::Codec::h265: break;
        case media::Codec::mp3: return true;
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::mjpeg:
        case media::Codec::av1: return false;
        case media::Codec::opus: append_opus_control(out, unit.payload.size()); return true;
        case media::Codec::aac: {
            const auto header = media::aac::write_adts_header(config, unit.payload.size());
            if (header) {
                out.insert(out.end(), header->begin(), header->end());
            }
            return header.has_value();
        }
    }
    append_delimiter(out, unit);
    if (with_sets) {
        for (const std::vector<Bytes>* const sets : {&config.vps, &config.sps, &config.pps}) {
            for (const Bytes& set : *sets) {
                append_start_code(out, set);
            }
        }
    }
    return true;
}

Result<std::size_t> read_opus_control(ByteReader& reader) {
    const unsigned head = reader.u16();
    std::size_t size = 0;
    std::uint8_t part = 0xFF;
    while (part == 0xFF && reader.ok()) {
        part = reader.u8();
        size += part;
    }
    if ((head & 0x10U) != 0) {
        reader.skip(2);   // start_trim
    }
    if ((head & 0x08U) != 0) {
        reader.skip(2);   // end_trim
    }
    if ((head & 0x04U) != 0) {
        reader.skip(reader.u8());
    }
    if (!reader.ok() || head >> 5U != 0x3FF || size == 0) {
        return fail(Errc::malformed, "broken Opus control header");
    }
    return size;
}

}   // namespace millrace::ts
