#pragma once

#include "base/time.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The camera's side: sources of access units. One thread.
namespace millrace::capture {

/// Why a source does not go on, in words for people.
struct Fault {
    std::string words;
    bool lasting = false;   ///< trying again would not help
};
template <class T>
using Outcome = std::expected<T, Fault>;

/// Both clocks, read together.
struct Moment {
    Instant now;
    WallTime utc;
    /// What the time of day was, or will be, at another instant.
    WallTime utc_at(Instant then) const { return {utc.microseconds + (then - now) / 1us}; }
};

/// Both clocks now. For the program and for threads that wait for devices; everybody else is told the time.
Moment read_clocks();
/// Sleeps until then, and reads them. For threads that stand for devices.
Moment sleep_until(Instant then);

/// What a source did so far. captured = encoded + dropped_slow + dropped_asked + broken + what is on
/// its way.
struct Counters {
    std::uint64_t frames = 0;           ///< pictures given
    std::uint64_t late = 0;             ///< pictures begun later than half a frame after their moment
    std::uint64_t skipped = 0;          ///< moments that got no picture
    std::uint64_t captured = 0;         ///< pictures that a device gave, or that were drawn
    std::uint64_t encoded = 0;          ///< of them, those that came out coded
    std::uint64_t dropped_slow = 0;     ///< of them, those for which the encoder was not ready
    std::uint64_t dropped_asked = 0;    ///< of them, those left out because we were told to (`skip`)
    std::uint64_t broken = 0;           ///< of them, those that could not be decoded
    std::size_t pictures_waiting = 0;   ///< for the encoder, now
    std::size_t units_waiting = 0;      ///< coded, for the link, now
};

/// Gives access units when they are due. Times are on its own line and begin near zero.
class Source {
public:
    virtual ~Source() = default;

    /// The tracks that will come, not configured yet: video is track 0, audio 1.
    virtual std::vector<media::Track> tracks() const = 0;
    /// When `produce` has something to do; never(): when `doorbell` says so, or at its end.
    virtual Instant due() const = 0;
    virtual bool is_over() const { return due() == Instant::never(); }
    /// A descriptor that is readable when `produce` has something to do; -1: `due` alone says it.
    virtual int doorbell() const { return -1; }
    /// A part of what is due: at most one picture, and the sound up to it, in order of decoding.
    virtual Outcome<std::vector<media::AccessUnit>> produce(Moment moment) = 0;

    /// What there is to say beside a unit that it gave.
    virtual std::optional<media::TimedMessage> result_of(const media::AccessUnit& /*unit*/) const {
        return std::nullopt;
    }

    /// Only encoders can do these; others let them pass.
    virtual void ask_key_frame() {}
    virtual void set_bitrate(std::uint64_t /*bits_per_second*/) {}
    /// Leaves out pictures from now on to the so manieth next key frame, so that none is seen broken.
    virtual void skip(std::uint32_t /*key_frames*/) {}

    virtual Counters counters() const {
        Counters counters = counters_;
        counters.captured = counters_.frames + counters_.dropped_asked;
        counters.encoded = counters_.frames;
        return counters;
    }

protected:
    Counters counters_;
};

inline constexpr media::TrackId video_track = 0;
inline constexpr media::TrackId audio_track = 1;
/// The row of a kind in the table of tracks.
inline media::Track track_of(media::Kind kind) {
    return {.id = kind == media::Kind::video ? video_track : audio_track, .kind = kind};
}

/// A source of a text: "test:?size=640x360&fps=30", "file:movie.mp4?loop", "v4l2:/dev/video0". It starts at
/// `moment`.
Outcome<std::unique_ptr<Source>> open_source(std::string_view text, Moment moment);

}   // namespace millrace::capture
