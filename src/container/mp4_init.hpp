#pragma once

#include "base/bytes.hpp"
#include "media/track.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace millrace::mp4 {

/// Where a decoder finds parameter sets (ISO/IEC 14496-15 §5.4.2, §8.4.1).
enum class ParameterSets : std::uint8_t {
    in_entry,   ///< only in the sample entry: avc1, hvc1
    in_band,    ///< also before key frames, where they may change: avc3, hev1
};

/// Whether MP4 has a sample entry for the track; null configurations are believed.
bool carries(const media::Track& track);

/// The track's number in a file.
constexpr std::uint32_t track_number(media::TrackId id) {
    return std::uint32_t{id} + 1;
}

/// ftyp and moov of a fragmented file with these tracks, those without a configuration left out; duration
/// unknown. Of one track it is a CMAF header (ISO/IEC 23000-19 §7.3). A pure function of the tracks.
Bytes init_segment(std::span<const media::Track> tracks, ParameterSets where);

/// A configured track whose coding changes: each of `codings` has a sample entry of its own, counted from 1,
/// which tfhd names (ISO/IEC 14496-12 §8.8.7). All are of one codec and timescale.
struct CodedTrack {
    media::Track track;
    std::vector<media::ConfigRef> codings;
};

/// The same of a file that is joined of parts, `duration_ms` long (§8.8.2).
Bytes joined_init_segment(std::span<const CodedTrack> tracks, std::int64_t duration_ms);

/// `video/mp4; codecs="avc1.64001f,mp4a.40.2"` for the carried tracks as `ParameterSets::in_entry` has them;
/// `audio/mp4` where none is video.
std::string mime_type(std::span<const media::Track> tracks);

}   // namespace millrace::mp4
