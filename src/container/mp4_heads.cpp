#include "container/mp4_heads.hpp"

#include "container/mp4_language.hpp"
#include "container/mp4_sample_entry.hpp"

#include <algorithm>

namespace millrace::mp4 {
namespace {

using media::Kind;
using media::Track;
using Out = std::vector<std::byte>;

/// A length that is known has 64 bits.
std::uint8_t version_for(std::int64_t duration) {
    return duration == 0 ? 0 : 1;
}

/// Times of day would make two nodes' bytes differ.
void write_no_dates(ByteWriter& writer, std::int64_t duration) {
    writer.zeros(duration == 0 ? 8 : 16);
}

void write_duration(ByteWriter& writer, std::int64_t duration) {
    if (duration == 0) {
        writer.u32(0);
    } else {
        writer.u64(static_cast<std::uint64_t>(duration));
    }
}

void write_unity_matrix(ByteWriter& writer) {
    for (const std::uint32_t value : {0x00010000U, 0U, 0U, 0U, 0x00010000U, 0U, 0U, 0U, 0x40000000U}) {
        writer.u32(value);
    }
}

}   // namespace

// §4.3: major brand u32 | minor version u32 | compatible brands u32…
void write_brands(Out& out, std::span<const FourCc> brands) {
    const OpenBox box{out, four_cc("ftyp")};
    ByteWriter writer{out};
    writer.u32(brands.front());
    writer.u32(0);
    for (const FourCc brand : brands) {
        writer.u32(brand);
    }
}

bool has_av1(std::span<const CodedTrack> tracks) {
    return std::ranges::any_of(
        tracks, [](const CodedTrack& t) { return t.track.config->codec == media::Codec::av1; });
}

std::uint32_t next_track_number(std::span<const CodedTrack> tracks) {
    std::uint32_t next = 1;
    for (const CodedTrack& track : tracks) {
        next = std::max(next, track_number(track.track.id) + 1);
    }
    return next;
}

// §8.2.2: made u32 | changed u32 | timescale u32 | duration u32, in version 1 three u64 | rate u32 | volume
// u16 | 10 × 0 | matrix
//         6 × 0 u32 | next track u32
void write_mvhd(Out& out, Length length, std::uint32_t next_track) {
    const OpenBox box{out, four_cc("mvhd"), version_for(length.ticks), 0};
    ByteWriter writer{out};
    write_no_dates(writer, length.ticks);
    writer.u32(length.timescale);
    write_duration(writer, length.ticks);
    writer.u32(0x00010000);
    writer.u16(0x0100);
    writer.zeros(10);
    write_unity_matrix(writer);
    writer.zeros(24);
    writer.u32(next_track);
}

// §8.3.2: made u32 | changed u32 | id u32 | 0 u32 | duration u32 | 8 × 0 | layer u16 | group u16 | volume u16
//         0 u16 | matrix | width u32 | height u32, 16.16
void write_tkhd(Out& out, const Track& track, std::int64_t duration) {
    constexpr std::uint32_t enabled_in_movie = 3;
    const bool audio = track.kind == Kind::audio;
    const OpenBox box{out, four_cc("tkhd"), version_for(duration), enabled_in_movie};
    ByteWriter writer{out};
    write_no_dates(writer, duration);
    writer.u32(track_number(track.id));
    writer.u32(0);
    write_duration(writer, duration);
    writer.zeros(8);
    writer.u16(0);
    writer.u16(audio ? 1 : 0);
    writer.u16(audio ? 0x0100 : 0);
    writer.u16(0);
    write_unity_matrix(writer);
    writer.u32(audio ? 0 : track.config->width << 16U);
    writer.u32(audio ? 0 : track.config->height << 16U);
}

// mdhd §8.4.2: made u32 | changed u32 | timescale u32 | duration u32 | 0:1 language 5:5:5 | 0 u16
// elng §8.4.6: the language as BCP 47 has it, and a zero
// hdlr §8.4.3: 0 u32 | type u32 | 12 × 0 | name and a zero
void write_media_heads(Out& out, const Track& track, std::int64_t duration) {
    ByteWriter writer{out};
    {
        const OpenBox box{out, four_cc("mdhd"), version_for(duration), 0};
        write_no_dates(writer, duration);
        writer.u32(static_cast<std::uint32_t>(track.config->timescale));
        write_duration(writer, duration);
        writer.u16(packed_language(track.language));
        writer.u16(0);
    }
    if (!track.language.empty()) {
        const OpenBox box{out, four_cc("elng"), 0, 0};
        writer.text(track.language);
        writer.u8(0);
    }
    const bool audio = track.kind == Kind::audio;
    const OpenBox box{out, four_cc("hdlr"), 0, 0};
    writer.u32(0);
    writer.u32(audio ? four_cc("soun") : four_cc("vide"));
    writer.zeros(12);
    writer.text(audio ? "audio" : "video");
    writer.u8(0);
}

void write_minf_heads(Out& out, const Track& track) {
    if (track.kind == Kind::audio) {
        const OpenBox smhd{out, four_cc("smhd"), 0, 0};
        ByteWriter{out}.u32(0);
    } else {
        const OpenBox vmhd{out, four_cc("vmhd"), 0, 1};
        ByteWriter{out}.zeros(8);
    }
    constexpr std::uint32_t in_this_file = 1;
    const OpenBox dinf{out, four_cc("dinf")};
    const OpenBox dref{out, four_cc("dref"), 0, 0};
    ByteWriter{out}.u32(1);
    const OpenBox url{out, four_cc("url "), 0, in_this_file};
}

void write_stsd(Out& out, const CodedTrack& track, ParameterSets where) {
    const OpenBox stsd{out, four_cc("stsd"), 0, 0};
    ByteWriter{out}.u32(static_cast<std::uint32_t>(track.codings.size()));
    for (const media::ConfigRef& coding : track.codings) {
        write_sample_entry(out, *coding, where);
    }
}

}   // namespace millrace::mp4
