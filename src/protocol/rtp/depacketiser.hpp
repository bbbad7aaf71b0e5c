#pragma once

#include "base/fifo.hpp"
#include "media/access_unit.hpp"
#include "protocol/rtp/format.hpp"

#include <memory>
#include <optional>

namespace millrace::rtp {

/// An access unit that grows beyond it is broken.
inline constexpr std::size_t unit_size_max = std::size_t{8} << 20U;
/// Units that wait to be taken; those beyond are dropped and counted. Takers drain after each packet.
inline constexpr std::size_t units_waiting_max = 1'024;

/// A packet's payload in its place: sequence restored, time unwrapped, in ticks of the format's clock.
struct Piece {
    std::int64_t timestamp = 0;
    bool marker = false;
    bool after_loss = false;   ///< packets just before it never came
    ByteSpan payload;
};

/// What a depacketiser left out so far.
struct DepacketiserCounters {
    std::uint64_t units_broken = 0;       ///< parts of them were missing, contradicted, or too large
    std::uint64_t units_refused = 0;      ///< whole, but not to be read
    std::uint64_t units_skipped = 0;      ///< whole pictures between a broken one and the next key frame
    std::uint64_t payloads_refused = 0;   ///< broke their format
};

/// Puts access units together from the payloads of one RTP stream: whole ones only. After a loss no picture
/// is given before the next key frame (or recovery point). Units carry RTP time in ticks of their timescale;
/// they have no track (but those of a transport stream do). Owned by a Receiver; it never fails.
class Depacketiser {
public:
    explicit Depacketiser(const Format& format) : clock_rate_{format.clock_rate} {}
    virtual ~Depacketiser() = default;
    Depacketiser(const Depacketiser&) = delete;
    Depacketiser& operator=(const Depacketiser&) = delete;

    virtual void take(const Piece& piece) = 0;
    std::optional<media::AccessUnit> next();
    /// The sender's clock or source changed: what is begun is dropped, times begin anew.
    virtual void restart() = 0;

    /// The configuration that the next unit will have, as far as it is known.
    virtual media::ConfigRef config() const = 0;
    /// Pictures come, and are skipped until a key frame.
    virtual bool waiting() const { return false; }
    const DepacketiserCounters& counters() const { return counters_; }

protected:
    /// Gives a unit whose presentation (and decoding) time is that RTP time.
    void give(media::AccessUnit unit, std::int64_t timestamp);
    /// Gives a unit that has its times.
    void give(media::AccessUnit unit);
    std::uint32_t clock_rate() const { return clock_rate_; }

    DepacketiserCounters counters_;

private:
    std::uint32_t clock_rate_;
    Fifo<media::AccessUnit> units_;
};

/// A format whose parameters cannot be used is read as far as the stream itself says what they should have;
/// one that needs them (AAC without a configuration) is an error in words.
Result<std::unique_ptr<Depacketiser>> depacketiser_of(const Format& format);

}   // namespace millrace::rtp
