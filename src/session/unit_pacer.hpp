#pragma once

#include "base/timer.hpp"
#include "hub/timeline.hpp"
#include "session/media_reader.hpp"

#include <array>
#include <map>

namespace millrace::session {

/// Lets units out at their own pace that came in bursts, as segments and files do: each when the time between
/// it and the first of its clock has passed. A unit that comes too late is let out at once, and what follows
/// is later by as much. Owned by one try of a source, on its thread; the publisher, which has begun, outlives
/// it.
class UnitPacer {
public:
    static constexpr std::size_t bytes_max = 64U << 20U;
    /// What would have to wait longer, or is late by more, is of a clock that jumped.
    static constexpr Duration wait_max = 60s;
    /// Clocks that may be mixed: where a discontinuity lies in one of two lists, and not yet in the other.
    static constexpr std::size_t clocks_max = 4;

    UnitPacer(Desk& desk, SourcePublisher& publisher) : desk_{desk}, publisher_{publisher} {}
    UnitPacer(const UnitPacer&) = delete;
    UnitPacer& operator=(const UnitPacer&) = delete;

    /// Takes a unit, whose times are of that clock, and says when it leaves.
    Instant take(media::AccessUnit unit, std::uint64_t clock);
    /// What is taken from now on leaves so much earlier, but never before what was taken already.
    void hurry(Duration by);
    /// There is no room for more bytes: wait.
    bool full() const { return bytes_ > bytes_max; }
    bool empty() const { return waiting_.empty(); }
    /// How long it takes from now until all have left.
    Duration ahead() const;

private:
    Instant place(Duration at, std::uint64_t clock);
    void let_out();

    Desk& desk_;
    SourcePublisher& publisher_;
    std::map<std::uint64_t, Duration> clocks_;   // what is added to their times, to be a moment of ours
    std::multimap<Instant, media::AccessUnit> waiting_;
    std::size_t bytes_ = 0;
    Instant last_;   // when the last one leaves, or left
    std::array<Instant, hub::Timeline::tracks_max> last_of_track_;
    Alarm<UnitPacer, &UnitPacer::let_out> alarm_{*this};
};

/// Announces the tracks that were read, and hands the units, which are of one clock, to the pacer; empties
/// `media`. `received`: bytes, for the report.
Task<Result<>> publish_paced(SourcePublisher& publisher, UnitPacer& pacer, ReadMedia& media,
                             std::size_t received);

}   // namespace millrace::session
