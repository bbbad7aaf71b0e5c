#include "container/mp4_init.hpp"

#include "container/mp4_language.hpp"
#include "container/mp4_sample_entry.hpp"

#include <algorithm>

namespace millrace::mp4 {
namespace {

using media::Kind;
using media::Track;
using Out = std::vector<std::byte>;

constexpr std::uint32_t movie_timescale = 1'000;

// ftyp: major brand u32 | minor version u32 | compatible brands u32…
//
// iso6: movie fragments with tfdt and default-base-is-moof (§E.8); cmfc: a CMAF header, of one track only;
// mp41: esds as 14496-14 has it; av01: an AV1 track.
void write_ftyp(Out& out, std::span<const CodedTrack> tracks) {
    const OpenBox box{out, four_cc("ftyp")};
    ByteWriter writer{out};
    writer.u32(four_cc("iso6"));
    writer.u32(0);
    writer.u32(four_cc("iso6"));
    if (tracks.size() == 1 && tracks.front().codings.size() == 1) {
        writer.u32(four_cc("cmfc"));
    }
    writer.u32(four_cc("mp41"));
    if (std::ranges::any_of(tracks,
                            [](const CodedTrack& t) { return t.track.config->codec == media::Codec::av1; })) {
        writer.u32(four_cc("av01"));
    }
}

void write_unity_matrix(ByteWriter& writer) {
    for (const std::uint32_t value : {0x00010000U, 0U, 0U, 0U, 0x00010000U, 0U, 0U, 0U, 0x40000000U}) {
        writer.u32(value);
    }
}

// §8.2.2: made u32 | changed u32 | timescale u32 | duration u32 | rate u32 | volume u16 | 10 × 0 | matrix
//         6 × 0 u32 | next track u32
void write_mvhd(Out& out, std::uint32_t next_track) {
    const OpenBox box{out, four_cc("mvhd"), 0, 0};
    ByteWriter writer{out};
    writer.u32(0);   // times of day would make two nodes' bytes differ
    writer.u32(0);
    writer.u32(movie_timescale);
    writer.u32(0);
    writer.u32(0x00010000);
    writer.u16(0x0100);
    writer.zeros(10);
    write_unity_matrix(writer);
    writer.zeros(24);
    writer.u32(next_track);
}

// §8.3.2: made u32 | changed u32 | id u32 | 0 u32 | duration u32 | 8 × 0 | layer u16 | group u16 | volume u16
//         0 u16 | matrix | width u32 | height u32, 16.16
void write_tkhd(Out& out, const Track& track) {
    constexpr std::uint32_t enabled_in_movie = 3;
    const bool audio = track.kind == Kind::audio;
    const OpenBox box{out, four_cc("tkhd"), 0, enabled_in_movie};
    ByteWriter writer{out};
    writer.u32(0);
    writer.u32(0);
    writer.u32(track_number(track.id));
    writer.u32(0);
    writer.u32(0);
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
void write_media_heads(Out& out, const Track& track) {
    ByteWriter writer{out};
    {
        const OpenBox box{out, four_cc("mdhd"), 0, 0};
        writer.u32(0);
        writer.u32(0);
        writer.u32(static_cast<std::uint32_t>(track.config->timescale));
        writer.u32(0);
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

/// A full box of zeros: tables without entries.
void write_empty(Out& out, FourCc type, std::size_t zeros) {
    const OpenBox box{out, type, 0, 0};
    ByteWriter{out}.zeros(zeros);
}

void write_sample_table(Out& out, const CodedTrack& track, ParameterSets where) {
    const OpenBox stbl{out, four_cc("stbl")};
    {
        const OpenBox stsd{out, four_cc("stsd"), 0, 0};
        ByteWriter{out}.u32(static_cast<std::uint32_t>(track.codings.size()));
        for (const media::ConfigRef& coding : track.codings) {
            write_sample_entry(out, *coding, where);
        }
    }
    write_empty(out, four_cc("stts"), 4);
    write_empty(out, four_cc("stsc"), 4);
    write_empty(out, four_cc("stsz"), 8);
    write_empty(out, four_cc("stco"), 4);
}

void write_minf(Out& out, const CodedTrack& track, ParameterSets where) {
    const OpenBox minf{out, four_cc("minf")};
    if (track.track.kind == Kind::audio) {
        write_empty(out, four_cc("smhd"), 4);
    } else {
        const OpenBox vmhd{out, four_cc("vmhd"), 0, 1};
        ByteWriter{out}.zeros(8);
    }
    {
        constexpr std::uint32_t in_this_file = 1;
        const OpenBox dinf{out, four_cc("dinf")};
        const OpenBox dref{out, four_cc("dref"), 0, 0};
        ByteWriter{out}.u32(1);
        const OpenBox url{out, four_cc("url "), 0, in_this_file};
    }
    write_sample_table(out, track, where);
}

void write_trak(Out& out, const CodedTrack& track, ParameterSets where) {
    const OpenBox trak{out, four_cc("trak")};
    write_tkhd(out, track.track);
    const OpenBox mdia{out, four_cc("mdia")};
    write_media_heads(out, track.track);
    write_minf(out, track, where);
}

// mehd §8.8.2: duration u64, in the movie's timescale
// trex §8.8.3: track u32 | sample entry u32 | default duration u32 | size u32 | flags u32
void write_mvex(Out& out, std::span<const CodedTrack> tracks, std::int64_t duration_ms) {
    const OpenBox mvex{out, four_cc("mvex")};
    if (duration_ms > 0) {
        const OpenBox mehd{out, four_cc("mehd"), 1, 0};
        ByteWriter{out}.u64(static_cast<std::uint64_t>(duration_ms));
    }
    for (const CodedTrack& track : tracks) {
        const OpenBox trex{out, four_cc("trex"), 0, 0};
        ByteWriter writer{out};
        writer.u32(track_number(track.track.id));
        writer.u32(1);
        writer.zeros(12);
    }
}

Bytes write_init(std::span<const CodedTrack> tracks, ParameterSets where, std::int64_t duration_ms) {
    std::uint32_t next_track = 1;
    for (const CodedTrack& track : tracks) {
        next_track = std::max(next_track, track_number(track.track.id) + 1);
    }
    Out out;
    write_ftyp(out, tracks);
    {
        const OpenBox moov{out, four_cc("moov")};
        write_mvhd(out, next_track);
        for (const CodedTrack& track : tracks) {
            write_trak(out, track, where);
        }
        write_mvex(out, tracks, duration_ms);
    }
    return Bytes{std::move(out)};
}

}   // namespace

bool carries(const Track& track) {
    // MJPEG and what comes after it: no player of MP4 takes it.
    const bool unplayed = track.config != nullptr && track.config->codec >= media::Codec::mjpeg;
    return track.kind != Kind::data && !unplayed;
}

Bytes init_segment(std::span<const Track> tracks, ParameterSets where) {
    std::vector<CodedTrack> carried;
    for (const Track& track : tracks) {
        if (track.config != nullptr && carries(track)) {
            carried.push_back({.track = track, .codings = {track.config}});
        }
    }
    return write_init(carried, where, 0);
}

Bytes joined_init_segment(std::span<const CodedTrack> tracks, std::int64_t duration_ms) {
    return write_init(tracks, ParameterSets::in_entry, duration_ms);
}

std::string mime_type(std::span<const Track> tracks) {
    std::vector<Track> carried;
    std::ranges::copy_if(tracks, std::back_inserter(carried), carries);
    const bool video = std::ranges::any_of(carried, [](const Track& t) { return t.kind == Kind::video; });
    return std::string{video ? "video" : "audio"} + "/mp4; codecs=\"" + media::codec_list(carried) + "\"";
}

}   // namespace millrace::mp4
