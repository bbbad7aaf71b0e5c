#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <optional>

namespace millrace::session {

/// How much of an uplink's backfill may leave: what live media leaves free of the path's rate, a datagram or
/// two at a time, so that no picture ever finds more than that in front of it. The path's rate is found: it
/// rises while all of it is used and no queue stands, and falls where one does, whosever packets fill it.
/// What a round trip has above the least, and keeps while the rate falls, is no queue of ours: so much is
/// usual. Pure; one owner, who looks while something waits.
class BackfillPace {
public:
    static constexpr Duration look_every = 5ms;
    static constexpr Duration judge_every = 50ms;        ///< or half of the least round trip
    static constexpr Duration live_waits_from = 100ms;   ///< media older than this waits for the link
    static constexpr Duration queue_doubtful = 4ms;
    static constexpr Duration queue_doubtful_tcp = 40ms;   ///< where a ping now and then is all that is known
    static constexpr Duration usual_max = 36ms;            ///< more is a queue, if not of ours
    static constexpr Duration settles_in = 200ms;          ///< and a round trip: then what was changed shows
    static constexpr Duration limited_from = 150ms;        ///< less than that proves nothing of the path
    static constexpr Duration forgets_after = 5s;          ///< without a proof it is another path
    static constexpr Duration late_max = 20ms;             ///< of a look: so much room is saved up
    static constexpr Duration debt_max = 200ms;            ///< of live media that takes more than the rate
    static constexpr double rate_first = 1e6;              ///< bits a second
    static constexpr double rate_min = 250e3;         ///< of backfill, whatever others fill the path with
    static constexpr double rate_max = 200e6;         ///< of backfill where the configuration names none
    static constexpr std::size_t piece_min = 1'200;   ///< bytes: a datagram

    /// A link's round trip, the least of late and of all; nothing: not known.
    struct Trip {
        Duration now{};
        Duration least{};
        Duration doubtful = queue_doubtful;   ///< what is less above the usual proves nothing
        Duration queue() const { return least > 0ns && now > least ? now - least : 0ns; }
    };
    struct Sight {
        Duration live_waits{};         ///< the oldest media that waits for the live link
        std::uint64_t live_sent = 0;   ///< bytes of live media, so far
        std::optional<Trip> live{};
        Trip own{};
    };

    /// Bits a second; 0: none said.
    explicit BackfillPace(std::uint64_t cap);

    /// Bytes that may leave now: none, or `piece_min` and more.
    std::size_t look(const Sight& sight, Instant now);
    /// So many of them did.
    void note_sent(std::size_t bytes);
    /// Bits a second that backfill may have.
    double rate() const;

private:
    void refill(const Sight& sight, Duration since);
    void judge(const Sight& sight, Instant now);
    void fall(Duration queue, const Sight& sight, Instant now);
    void rise(Instant now);
    Duration queue_of(const Sight& sight) const;

    double cap_;
    double rate_;          // of the path, bits a second
    double ceiling_ = 0;   // where a queue stood last; 0: none did
    Duration usual_{};     // above the least, whatever our rate
    int falls_ = 0;        // in a row, and where the first was
    double fell_from_ = 0;
    Duration queue_there_{};
    // Bytes: of the path, below the cap, and in any case.
    double room_ = 0;
    double capped_room_ = 0;
    double sure_room_ = 0;
    std::size_t allowed_ = 0;   // at the last look
    std::size_t sent_ = 0;      // since then
    std::uint64_t live_sent_ = 0;
    std::optional<Instant> looked_at_;
    Instant judge_at_;
    Instant fall_at_;         // not before
    Instant risen_from_;      // without a queue since
    Instant limited_since_;   // all that was allowed left
    Instant live_left_at_;    // media did, last
    Instant proven_at_;
};

}   // namespace millrace::session
