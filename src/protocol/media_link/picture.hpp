#pragma once

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/picture_ring.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "media/access_unit.hpp"

#include <cstdint>
#include <string>

namespace millrace::media_link {

using picture_ring::Colours;

/// A decoded picture that is due now. It lies in a slot of the ring, which is the server's until it gives it
/// back by a Release.
struct Picture {
    std::uint8_t slot = 0;
    picture_ring::Layout layout;
    Colours colours;
    bool late = false;          ///< it came, or was decoded, behind its moment
    std::uint64_t number = 0;   ///< from 0 on, without gaps
    std::int64_t pts = 0;       ///< of its unit, 90 kHz
    media::CaptureTime capture;
    Instant decoded_at;   ///< the machine's monotonic clock, which both ends share
};

/// The server has done with a slot.
struct Release {
    std::uint8_t slot = 0;
};

inline constexpr std::size_t silent_bytes_max = 512;

/// What a child that decodes did so far, every `played_period`. Every unit of pictures is counted once:
/// units = pictures + broken + skipped + waiting.
struct Played {
    std::uint64_t units = 0;      ///< of pictures, that came
    std::uint64_t pictures = 0;   ///< decoded and given
    std::uint64_t broken = 0;     ///< could not be decoded, or gave a damaged picture
    std::uint64_t skipped = 0;    ///< left out: no key frame yet, or no room
    std::uint64_t waiting = 0;    ///< for their moment, or inside the decoder
    std::uint64_t late = 0;       ///< of the pictures given
    std::uint64_t sounds = 0;     ///< frames of sound decoded
    std::uint64_t sounds_broken = 0;
    std::int64_t delay_us = 0;    ///< that each unit waits so that later ones come in time
    std::int64_t jitter_us = 0;   ///< of the units' arrivals, over the last ten seconds
    /// How much later than the sound of its moment the newest picture was given; 0: there is no sound.
    std::int64_t behind_sound_us = 0;
    // Of sound that is played; all 0 where none is.
    std::uint64_t sounds_late = 0;        ///< that came when their moment was over
    std::uint64_t sound_played_us = 0;    ///< of the stream's own
    std::uint64_t sound_filled_us = 0;    ///< silence in the place of what did not come
    std::uint64_t sound_dropped_us = 0;   ///< left out, for it was late
    std::string silent{};                 ///< why it is not heard, at most `silent_bytes_max`; empty: it is
};

/// Their bodies, as message.cpp draws them.
void write(ByteWriter& out, const Picture& picture);
void write(ByteWriter& out, const Release& release);
void write(ByteWriter& out, const Played& played);
/// Errc::malformed for a slot, size, matrix or label that there is none of; a body that is cut is for the
/// caller to see.
Result<Picture> read_picture(ByteReader& reader);
Result<Release> read_release(ByteReader& reader);
/// Errc::exhausted for too many words.
Result<Played> read_played(ByteReader& reader);

}   // namespace millrace::media_link
