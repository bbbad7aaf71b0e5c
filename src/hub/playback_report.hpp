#pragma once

#include "hub/latency.hpp"
#include "media/access_unit.hpp"

#include <cstdint>
#include <string>

namespace millrace::hub {

/// What became of a stream that is decoded and shown here. Each counter counts one thing; of pictures
/// received = decoded + broken + skipped + waiting, and decoded = shown + unseen + those under way to be
/// shown.
struct PlaybackReport {
    std::uint64_t received = 0;   ///< units of pictures that the decoder was to get
    std::uint64_t decoded = 0;
    std::uint64_t shown = 0;
    std::uint64_t unseen = 0;    ///< decoded, and not shown: another was there already, or nobody looked
    std::uint64_t late = 0;      ///< of the decoded, those that came behind their moment
    std::uint64_t broken = 0;    ///< could not be decoded
    std::uint64_t skipped = 0;   ///< left out: before a key frame, or for want of room
    std::uint64_t waiting = 0;
    std::uint64_t sounds = 0;   ///< frames of sound decoded
    std::uint64_t sounds_broken = 0;
    // Of sound that is played here; all 0 where none is.
    std::uint64_t sounds_late = 0;      ///< frames that came when their moment was over
    double sound_played_seconds = 0;    ///< of the stream's own
    double sound_filled_seconds = 0;    ///< silence in the place of what did not come
    double sound_dropped_seconds = 0;   ///< left out, for it was late
    bool muted = false;
    std::string silent{};            ///< why sound that is to be played is not; empty: it is, or is not to be
    double decoded_per_second = 0;   ///< over the last two seconds
    double shown_per_second = 0;
    double delay_seconds = 0;          ///< that units are held back, so that later ones come in time
    double jitter_seconds = 0;         ///< of their arrival
    double behind_sound_seconds = 0;   ///< the newest picture, against the sound of its moment
    std::uint32_t width = 0;           ///< of the newest picture
    std::uint32_t height = 0;
    /// From capture to showing, by this word of when it was taken; of arrivals nothing is counted.
    media::CaptureTime::Label capture_origin = media::CaptureTime::Label::arrival;
    LatencyReport latency{};
    std::string dark = "nothing has come yet";   ///< why there is no picture; empty: there is one
    std::string failed{};                        ///< why there will be none; empty: there may be
};

}   // namespace millrace::hub
