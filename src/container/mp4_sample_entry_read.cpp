#include "container/mp4_descriptor.hpp"
#include "container/mp4_sample_entry.hpp"
#include "media/aac.hpp"
#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/opus.hpp"

namespace millrace::mp4 {
namespace {

/// Size of a descriptor: seven bits a byte, at most four bytes (ISO/IEC 14496-1 §8.3.3).
std::size_t read_descriptor_size(ByteReader& reader) {
    std::size_t size = 0;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned byte = reader.u8();
        size = size << 7U | (byte & 0x7FU);
        if ((byte & 0x80U) == 0) {
            break;
        }
    }
    return size;
}

Result<std::optional<SampleEntry>> read_esds(const Box& box, std::uint32_t rate, std::uint16_t channels) {
    FullBox full{box};
    ByteReader& reader = full.reader;
    if (reader.u8() != es_tag) {
        return fail(Errc::malformed, "no ES descriptor");
    }
    read_descriptor_size(reader);
    reader.skip(2);
    const unsigned flags = reader.u8();
    reader.skip((flags & 0x80U) != 0 ? 2 : 0);             // depends on another stream
    reader.skip((flags & 0x40U) != 0 ? reader.u8() : 0);   // URL
    reader.skip((flags & 0x20U) != 0 ? 2 : 0);             // clock from another stream
    if (reader.u8() != decoder_tag) {
        return fail(Errc::malformed, "no decoder descriptor");
    }
    read_descriptor_size(reader);
    const std::uint8_t object_type = reader.u8();
    reader.skip(12);
    if (!reader.ok()) {
        return fail(Errc::malformed, "a decoder descriptor cut short");
    }
    if (object_type == mpeg2_layer_3 || object_type == mpeg1_layer_3) {
        media::TrackConfig config;
        config.codec = media::Codec::mp3;
        config.timescale = config.sample_rate = rate;
        config.channels = channels;
        config.codec_string = object_type == mpeg1_layer_3 ? "mp4a.6B" : "mp4a.69";
        return SampleEntry{.codec = media::Codec::mp3, .config = std::move(config)};
    }
    if (object_type != mpeg4_audio && (object_type < 0x66 || object_type > 0x68)) {   // MPEG-2 AAC
        return std::nullopt;
    }
    if (reader.u8() != specific_tag) {
        return fail(Errc::malformed, "no AudioSpecificConfig");
    }
    const ByteSpan specific = reader.take(read_descriptor_size(reader));
    Result<media::TrackConfig> config = media::aac::config_from(specific);
    if (!config) {
        return std::unexpected(config.error());
    }
    return SampleEntry{.codec = media::Codec::aac, .config = std::move(*config)};
}

Result<std::optional<SampleEntry>> read_dops(const Box& box) {
    ByteReader reader{box.body};
    if (reader.u8() != 0) {
        return fail(Errc::unsupported, "an unknown version");
    }
    media::opus::Head head;
    head.channels = reader.u8();
    head.pre_skip = reader.u16();
    head.input_sample_rate = reader.u32();
    head.output_gain = static_cast<std::int16_t>(reader.u16());
    head.mapping_family = reader.u8();
    if (head.mapping_family != 0) {
        head.streams = reader.u8();
        head.coupled = reader.u8();
        for (const std::byte from : reader.take(head.channels)) {
            head.mapping.push_back(static_cast<std::uint8_t>(from));
        }
    }
    if (!reader.ok()) {
        return fail(Errc::malformed, "cut short");
    }
    Result<media::TrackConfig> config = media::opus::config_from(media::opus::write_head(head));
    if (!config) {
        return std::unexpected(config.error());
    }
    return SampleEntry{.codec = media::Codec::opus, .config = std::move(*config)};
}

/// A record of parameter sets. With `in_band` it may have none, then only its NAL lengths count.
template <class Record>
Result<std::optional<SampleEntry>> from_record(Result<Record> record, media::Codec codec,
                                               std::optional<unsigned> in_band) {
    if (record) {
        return SampleEntry{
            .codec = codec, .config = std::move(record->config), .length_size = record->length_size};
    }
    if (in_band) {
        return SampleEntry{.codec = codec, .config = {}, .length_size = *in_band};
    }
    return std::unexpected(record.error());
}

/// lengthSizeMinusOne at a place of a record whose sets are in band.
std::optional<unsigned> length_size_at(ByteSpan record, std::size_t at, bool in_band) {
    if (!in_band || record.size() <= at) {
        return std::nullopt;
    }
    return (static_cast<unsigned>(record[at]) & 3U) + 1;
}

Result<std::optional<SampleEntry>> read_video_record(FourCc entry, const Box& box) {
    switch (box.type) {
        case four_cc("avcC"):
            return from_record(media::h264::read_avcc(box.body), media::Codec::h264,
                               length_size_at(box.body, 4, entry == four_cc("avc3")));
        case four_cc("hvcC"):
            return from_record(media::h265::read_hvcc(box.body), media::Codec::h265,
                               length_size_at(box.body, 21, entry == four_cc("hev1")));
        case four_cc("av1C"): {
            constexpr std::size_t without_obus = 4;   // legal; the sequence header is then in band
            if (box.body.size() <= without_obus) {
                return SampleEntry{.codec = media::Codec::av1, .config = {}};
            }
            Result<media::TrackConfig> config = media::av1::read_av1c(box.body);
            if (!config) {
                return std::unexpected(config.error());
            }
            return SampleEntry{.codec = media::Codec::av1, .config = std::move(*config)};
        }
        default: return std::nullopt;
    }
}

Result<std::optional<SampleEntry>> read_video(const Box& entry, ByteReader reader, BoxPath& path) {
    reader.skip(70);
    std::optional<SampleEntry> found;
    const Result<> read = for_each_box(reader.rest(), path, [&](const Box& box) -> Result<> {
        Result<std::optional<SampleEntry>> record = read_video_record(entry.type, box);
        if (!record) {
            return std::unexpected(record.error());
        }
        if (*record && !found) {
            found = std::move(*record);
        }
        return {};
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    if (!found) {
        return fail(Errc::malformed, "a sample entry without its configuration record");
    }
    return found;
}

Result<std::optional<SampleEntry>> read_audio(ByteReader reader, BoxPath& path) {
    constexpr std::uint16_t quicktime_1 = 1;   // QuickTime's longer forms of the entry
    constexpr std::uint16_t quicktime_2 = 2;
    const std::uint16_t version = reader.u16();
    reader.skip(6);
    const std::uint16_t channels = reader.u16();
    reader.skip(6);
    const std::uint32_t rate = reader.u32() >> 16U;
    reader.skip(version == quicktime_1 ? 16 : version == quicktime_2 ? 36 : 0);
    std::optional<SampleEntry> found;
    const Result<> read = for_each_box(reader.rest(), path, [&](const Box& box) -> Result<> {
        if (box.type != four_cc("esds") && box.type != four_cc("dOps")) {
            return {};
        }
        Result<std::optional<SampleEntry>> entry =
            box.type == four_cc("esds") ? read_esds(box, rate, channels) : read_dops(box);
        if (!entry) {
            return std::unexpected(entry.error());
        }
        found = std::move(*entry);
        return {};
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    return found;
}

}   // namespace

Result<std::optional<SampleEntry>> read_sample_entry(const Box& entry, BoxPath& path) {
    ByteReader reader{entry.body};
    reader.skip(8);
    switch (entry.type) {
        case four_cc("avc1"):
        case four_cc("avc3"):
        case four_cc("hvc1"):
        case four_cc("hev1"):
        case four_cc("av01"): return read_video(entry, reader, path);
        case four_cc("mp4a"):
        case four_cc("Opus"): return read_audio(reader, path);
        case four_cc("encv"):
        case four_cc("enca"): return fail(Errc::unsupported, "encrypted samples");
        default: return std::nullopt;
    }
}

}   // namespace millrace::mp4
