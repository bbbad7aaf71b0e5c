#pragma once

#include "protocol/kcp/round_trip.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace millrace::kcp {

/// Looks for room on a path that nothing uses: some datagrams leave at twice the rate, first what leaves
/// anyway, then repeats of the newest segment. Where they arrive as fast as they left, the path carries that;
/// where it does not, they wait in its queue for some tens of milliseconds. Only while the application would
/// send more than it may. Pure; part of a PacedCongestion.
class RateProbe {
public:
    static constexpr double gain = 2;
    static constexpr std::size_t datagrams_min = 10;
    static constexpr std::size_t datagrams_max = 40;
    /// A shaper's bucket lets the first ones through whatever its rate.
    static constexpr std::size_t unmeasured = 3;
    /// It lasts as long as so many times what round trips vary by, within limits.
    static constexpr int variations = 4;
    static constexpr Duration span_max = 80ms;
    static constexpr Duration usual_wait_max = 25ms;   ///< of what round trips vary by without a queue
    static constexpr double found_from = 1.5;          ///< of the rate that was known
    static constexpr Duration every = 500ms;           ///< unless the last one found room
    static constexpr double repeats_max = 0.1;         ///< bytes of repeats, over those that the path carries
    static constexpr double repeats_max_varying = 0.2;   ///< where round trips vary: less shows room there
    /// A queue that stands so soon behind a find: there was no room. The next waits, each time twice as long.
    static constexpr Duration doubted_for = 2s;
    static constexpr int patience_max = 16;

    /// The application would send more.
    void seek(bool more) { seeks_ = more; }
    bool is_due(Instant now) const { return seeks_ && !sending_ && !waits_ && next_ <= now; }
    void begin(const RoundTrip& path);
    /// Whether datagrams of it have yet to leave.
    bool sending() const { return sending_; }
    /// One that carries data left, a repeat or another; of it, if it is sending().
    void on_sent(std::uint64_t order, std::size_t bytes, bool repeat, Instant now);
    /// An acknowledgement came; `rate` is what the path is known to carry, in bytes a second. A much larger
    /// one if it was found.
    std::optional<double> on_arrival(std::uint64_t order, double rate, Instant now);
    /// The path's queue stands.
    void on_standing(Instant now);

private:
    struct Sent {
        std::uint64_t order = 0;
        std::size_t bytes = 0;   // of those that are measured, with it
        Instant at;
    };
    std::optional<double> finish(double rate, Instant now);

    bool seeks_ = false;
    bool sending_ = false;
    bool waits_ = false;   // for an acknowledgement of what was sent
    Duration span_{};
    Duration usual_{};   // round trip
    std::array<Sent, datagrams_max> sent_;
    std::size_t count_ = 0;      // of those sent
    std::size_t repeated_ = 0;   // bytes
    double found_ = 0;
    bool late_ = false;   // by one of the last third
    Instant next_;
    std::optional<Instant> found_at_;
    int patience_ = 1;
};

}   // namespace millrace::kcp
