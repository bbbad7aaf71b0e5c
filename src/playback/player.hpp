#pragma once

#include "capture/source.hpp"
#include "playback/given_picture.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The viewer's side, in the child: what decodes a stream for eyes and ears. One thread.
namespace millrace::playback {

/// What a player did so far; as media_link::Played says it.
struct PlayCounters {
    std::uint64_t units = 0;
    std::uint64_t pictures = 0;
    std::uint64_t broken = 0;
    std::uint64_t skipped = 0;
    std::uint64_t waiting = 0;
    std::uint64_t late = 0;
    std::uint64_t sounds = 0;
    std::uint64_t sounds_broken = 0;
    Duration delay{};
    Duration jitter{};
    Duration behind_sound{};
    std::uint64_t sounds_late = 0;
    Duration sound_played{};
    Duration sound_filled{};
    Duration sound_dropped{};
    std::string silent{};
};

/// Plays the units of one stream: a jitter buffer, decoders of its first picture and its first sound track, a
/// ring for the pictures, a loudspeaker for the sound if that is wished. Sound that nobody hears is decoded
/// all the same, keeps step with the pictures, and is counted. Told the time, but for the loudspeaker, which
/// reads the same clock.
class Player {
public:
    /// Pictures decoded but not given; where there are more, decoding waits.
    static constexpr std::size_t ready_max = 8;
    /// A picture that is given so long after its moment is late.
    static constexpr Duration late_from = 100ms;

    virtual ~Player() = default;
    virtual void take(media::AccessUnit unit, Instant now) = 0;
    /// No unit follows for now: pictures that wait for those behind them are given too.
    virtual void finish() = 0;
    /// When `play` has something to do; never() where it waits for units or for a free slot.
    virtual Instant due() const = 0;
    /// Decodes the next unit that is due, and gives the pictures whose moment it is. A lasting Fault: there
    /// will be no pictures.
    virtual capture::Outcome<std::vector<GivenPicture>> play(Instant now) = 0;
    /// A slot that was given is free again.
    virtual void release(std::uint8_t slot) = 0;
    /// 0 to 100; 0: sound is played and not heard.
    virtual void set_volume(int percent) = 0;
    virtual PlayCounters counters() const = 0;
};

/// Whether a start text asks for a player.
bool is_player(std::string_view text);

/// "decode:?buffer=500": units wait for at most so many milliseconds, 0 to 10,000; "decode:?hardware": a
/// device of this machine decodes, if there is one; "decode:?sound=default": the sound card of that ALSA name
/// plays the sound. Strict. The descriptor is the ring's memory, and is taken
/// over.
capture::Outcome<std::unique_ptr<Player>> open_player(std::string_view text, int ring);

}   // namespace millrace::playback
