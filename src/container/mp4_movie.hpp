#pragma once

#include "container/mp4_box.hpp"
#include "media/access_unit.hpp"
#include "media/picture_reader.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// The moov of a fragmented file, read.
namespace millrace::mp4 {

/// Seconds from a file's beginning, and ticks a second, that are believed: so the sum of any two times fits
/// 64 bits.
constexpr std::int64_t seconds_max = std::int64_t{1} << 32U;
constexpr std::int64_t timescale_max = 1'000'000'000;
constexpr bool believable(std::int64_t ticks, std::int64_t timescale) {
    return ticks / timescale <= seconds_max && ticks / timescale >= -seconds_max;
}

/// What trex, and in a fragment tfhd, says of samples that do not say it themselves.
struct SampleDefaults {
    std::uint32_t duration = 0;
    std::uint32_t size = 0;
    std::uint32_t flags = 0;
};

/// One trak. `track.config` is null for a codec that we do not carry (`carried` is then false), and where
/// parameter sets are in band and none came yet.
struct MovieTrack {
    std::uint32_t number = 0;
    std::int64_t timescale = 1;
    std::int64_t shift = 0;   ///< what its edit list adds to times
    bool carried = false;
    media::Track track;
    unsigned length_size = 4;
    std::optional<media::PictureReader> pictures;
    SampleDefaults defaults;
    std::int64_t next_dts = 0;   ///< of the next fragment, should it not say

    media::Codec codec = media::Codec::h264;   ///< of a carried one
};

/// The UTC time of a moment of the media, from a prft.
struct TimeAnchor {
    media::CaptureTime at;
    std::int64_t media_microseconds = 0;
};

/// All tracks of a moov, those we do not carry too.
struct Movie {
    std::vector<MovieTrack> tracks;
    std::optional<TimeAnchor> anchor;

    MovieTrack* find(std::uint32_t number);
};

/// Reads the body of a moov. Configurations that are those of `before` stay the same objects. A file whose
/// samples stand in the moov is unsupported, as is one without a track we carry.
Result<Movie> read_movie(ByteSpan moov, Movie before, BoxPath& path);

}   // namespace millrace::mp4
