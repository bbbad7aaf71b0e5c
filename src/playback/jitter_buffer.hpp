#pragma once

#include "base/time.hpp"
#include "media/access_unit.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <optional>

namespace millrace::playback {

/// What a jitter buffer may hold back.
struct JitterLimits {
    Duration delay_min{};         ///< every unit waits so long at least
    Duration delay_max = 500ms;   ///< and none longer than this, whatever comes
    std::size_t bytes_max = std::size_t{32} << 20U;
};

/// Lets the units of a stream out at an even pace although they arrive at an uneven one: all tracks on one
/// line, so that sound and picture stay together. A unit is due when it would have come over the best way of
/// late, and a delay later; the delay is what of late the slowest took longer, within limits. Pure; told the
/// time. One thread.
///
/// A burst at the beginning (a server's group of pictures) is due at once, up to its newest unit.
class JitterBuffer {
public:
    static constexpr std::size_t tracks_max = 8;
    /// Two of these are "of late".
    static constexpr Duration window = 5s;
    /// Units that come later than the buffer may hold back are late; where nothing else came for so long, the
    /// way has become longer, and a new line begins.
    static constexpr Duration late_for = 500ms;

    struct Due {
        media::AccessUnit unit;
        Instant at;          ///< its moment of decoding: when it came, or later
        bool late = false;   ///< it came after its moment
    };

    explicit JitterBuffer(JitterLimits limits) : limits_{limits} {}

    /// Sound is let out so long before its moment, for it takes a while until it is heard; pictures wait for
    /// it, beyond all limits.
    void let_sound_ahead(Duration by) { sound_ahead_ = by; }

    /// Takes a unit of one of the first `tracks_max` tracks; others are dropped. Units of a track come in
    /// order of decoding. Where there are too many bytes, all that wait are forgotten, and pictures begin
    /// again with a key frame.
    void take(media::AccessUnit unit, Instant arrival);
    /// When the next unit is due; never() if none waits.
    Instant due() const;
    /// The next unit, if it is due.
    std::optional<Due> next(Instant now);

    /// When a moment of the stream (in the time of its units) is to be seen and heard.
    Instant moment_of(Duration stream_time) const { return Instant{} + (base() + delay() + stream_time); }

    Duration delay() const;
    /// How unevenly units came, over the last two windows.
    Duration jitter() const { return std::max(windows_[0].jitter, windows_[1].jitter); }
    /// Pictures that were left out.
    std::uint64_t skipped() const { return skipped_; }
    /// Pictures that wait.
    std::size_t pictures() const;
    std::size_t bytes() const { return bytes_; }

    /// In the time of the stream.
    static Duration time_of(const media::AccessUnit& unit, std::int64_t ticks);

private:
    struct Waiting {
        media::AccessUnit unit;
        Duration time;
        Instant arrival;
        bool late;
    };
    /// Offsets are from a unit's time in the stream to its arrival.
    struct Window {
        Duration base = Duration::max();
        Duration jitter{};
    };

    Duration base() const { return std::min(windows_[0].base, windows_[1].base); }
    /// Notes when a unit came; whether that was too late for its moment.
    bool measure(Duration offset, Instant arrival);
    void begin_line(Duration offset, Instant arrival);
    void forget_all();
    std::size_t earliest() const;
    Instant due_of(const Waiting& waiting) const;

    JitterLimits limits_;
    Duration sound_ahead_{};
    std::array<std::deque<Waiting>, tracks_max> tracks_;
    std::array<Window, 2> windows_;   // the one under way, and the one before
    Instant window_began_;
    bool began_ = false;
    std::optional<Instant> late_since_;
    std::array<bool, tracks_max> awaits_key_{};
    std::size_t bytes_ = 0;
    std::uint64_t skipped_ = 0;
};

}   // namespace millrace::playback
