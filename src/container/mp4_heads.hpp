#pragma once

#include "container/mp4_box.hpp"
#include "container/mp4_init.hpp"

#include <span>

/// Boxes of a moov that are the same with sample tables and without.
namespace millrace::mp4 {

/// How long something is, in ticks of `timescale`; 0: unknown.
struct Length {
    std::int64_t ticks = 0;
    std::uint32_t timescale = 1;
};

void write_brands(std::vector<std::byte>& out, std::span<const FourCc> brands);
bool has_av1(std::span<const CodedTrack> tracks);
void write_mvhd(std::vector<std::byte>& out, Length length, std::uint32_t next_track);
/// `duration` in ticks of the movie.
void write_tkhd(std::vector<std::byte>& out, const media::Track& track, std::int64_t duration);
/// mdhd, elng, hdlr; `duration` in ticks of the track.
void write_media_heads(std::vector<std::byte>& out, const media::Track& track, std::int64_t duration);
/// vmhd or smhd, and dinf.
void write_minf_heads(std::vector<std::byte>& out, const media::Track& track);
void write_stsd(std::vector<std::byte>& out, const CodedTrack& track, ParameterSets where);
std::uint32_t next_track_number(std::span<const CodedTrack> tracks);

}   // namespace millrace::mp4
