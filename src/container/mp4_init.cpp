#include "container/mp4_heads.hpp"
#include "container/mp4_language.hpp"
#include "container/mp4_sample_entry.hpp"

#include <algorithm>

namespace millrace::mp4 {
namespace {

using media::Kind;
using media::Track;
using Out = std::vector<std::byte>;

constexpr std::uint32_t movie_timescale = 1'000;

// iso6: movie fragments with tfdt and default-base-is-moof (§E.8); cmfc: a CMAF header, of one track only;
// mp41: esds as 14496-14 has it; av01: an AV1 track.
void write_ftyp(Out& out, std::span<const CodedTrack> tracks) {
    std::vector<FourCc> brands{four_cc("iso6")};
    if (tracks.size() == 1 && tracks.front().codings.size() == 1) {
        brands.push_back(four_cc("cmfc"));
    }
    brands.push_back(four_cc("mp41"));
    if (has_av1(tracks)) {
        brands.push_back(four_cc("av01"));
    }
    write_brands(out, brands);
}

/// A full box of zeros: tables without entries.
void write_empty(Out& out, FourCc type, std::size_t zeros) {
    const OpenBox box{out, type, 0, 0};
    ByteWriter{out}.zeros(zeros);
}

void write_minf(Out& out, const CodedTrack& track, ParameterSets where) {
    const OpenBox minf{out, four_cc("minf")};
    write_minf_heads(out, track.track);
    const OpenBox stbl{out, four_cc("stbl")};
    write_stsd(out, track, where);
    write_empty(out, four_cc("stts"), 4);
    write_empty(out, four_cc("stsc"), 4);
    write_empty(out, four_cc("stsz"), 8);
    write_empty(out, four_cc("stco"), 4);
}

void write_trak(Out& out, const CodedTrack& track, ParameterSets where) {
    const OpenBox trak{out, four_cc("trak")};
    write_tkhd(out, track.track, 0);
    const OpenBox mdia{out, four_cc("mdia")};
    write_media_heads(out, track.track, 0);
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
    Out out;
    write_ftyp(out, tracks);
    {
        const OpenBox moov{out, four_cc("moov")};
        write_mvhd(out, {0, movie_timescale}, next_track_number(tracks));
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
