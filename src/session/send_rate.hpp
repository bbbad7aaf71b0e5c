#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace millrace::session {

/// How many bits a second an encoder may make so that a push's link carries them: it looks at what waits to
/// be sent, says less as soon as that grows, and more again, step by step, once the link is free. Pure; one
/// push.
///
/// The delay that counts is the age of the oldest byte unsent here, and how long what the system holds will
/// take, or has taken so far, whichever is less, beyond the least that bytes took of late until they were
/// acknowledged: a path that is long is not one that is full, be it used all the time or now and then.
class SendRate {
public:
    static constexpr Duration look_every = 100ms;
    static constexpr Duration full_from = 120ms;   ///< a delay beyond it: the link is full
    static constexpr Duration free_below = 40ms;   ///< and below it, it is free
    /// The same where the path's rate is known: a key frame of an encoder that fits may take so long.
    static constexpr Duration full_shown_from = 240ms;
    static constexpr Duration free_shown_below = 80ms;
    static constexpr Duration skip_from = 350ms;   ///< beyond it what waits is not worth sending any more
    static constexpr std::uint64_t bitrate_min = 50'000;
    /// An encoder that makes less than it is told is told more, for a path shows no more than is sent: by no
    /// more than this, since it may make all of it at once.
    static constexpr double obeyed_min = 0.6;
    static constexpr std::uint64_t unlimited = UINT64_MAX;   ///< as the encoder is configured

    /// What is seen of the push at a moment.
    struct Sight {
        std::uint64_t handed_over = 0;   ///< bytes given to the system, in all
        std::uint64_t held = 0;          ///< of them, what the peer has not acknowledged
        std::uint64_t waiting = 0;       ///< bytes that wait for the system to take them
        Duration age{};                  ///< of the oldest of those
        /// Bits a second that the transport found the path to carry; 0: it found no limit. Nothing: it looks
        /// for none, and more has to be tried to know.
        std::optional<double> path = {};
    };
    struct Wish {
        std::optional<std::uint64_t> bitrate;   ///< a new target
        bool key_frame = false;                 ///< so that what waits can be skipped
    };
    /// Each `look_every`.
    Wish look(const Sight& sight, Instant now);

    /// How late what is sent now arrives, as far as the link is at fault.
    Duration delay() const { return delay_; }
    /// What was said last; nothing: the encoder does as it is configured.
    std::optional<std::uint64_t> target() const { return target_; }

private:
    /// Bytes at a moment, and what the way took then.
    struct Sample {
        Instant at;
        std::uint64_t handed_over;
        std::uint64_t delivered;
        std::uint64_t made;
        std::optional<Duration> took{};   ///< until what was acknowledged since the sample before
    };
    static constexpr Duration rate_span = 500ms;
    static constexpr Duration memory = 10s;
    static constexpr Duration lower_every = 200ms;
    static constexpr Duration raise_every = 250ms;

    void keep(const Sight& sight, Instant now);
    /// What the encoder makes of what it is told, at least `obeyed_min`.
    double obeyed() const;
    /// When so many bytes had been handed over, as far as the looks tell.
    Instant handed_over_at(std::uint64_t bytes) const;
    /// The least that bytes took of late; until any arrived, what those on their way have taken.
    Duration usual_way(Duration so_far) const;
    double rate_of(std::uint64_t Sample::* count) const;
    Wish lower(const Sight& sight, Instant now);
    Wish follow(double path, Instant now);
    Wish raise(const Sight& sight, Instant now);
    /// Where to go on from now that the link is free.
    double more(const Sight& sight);

    std::deque<Sample> samples_;
    Duration delay_{};
    std::optional<std::uint64_t> target_;
    double usual_ = 0;     // bits a second that were made before the link was full
    double carried_ = 0;   // and that it carried then
    double made_ = 0;      // bits of late, the elder counting less
    double told_ = 0;      // and that were asked for
    Instant changed_at_ = Instant::from_nanoseconds(0);
    Instant full_at_ = Instant::from_nanoseconds(0);
    Instant asked_key_at_ = Instant::from_nanoseconds(0);
};

}   // namespace millrace::session
