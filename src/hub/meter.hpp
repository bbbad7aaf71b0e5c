#pragma once

#include "base/time.hpp"
#include "hub/report.hpp"
#include "media/access_unit.hpp"

#include <array>
#include <deque>

namespace millrace::hub {

/// Counts what a stream takes in: totals, and rates over the last two seconds. Own thread only.
class Meter {
public:
    static constexpr std::size_t tracks_max = 8;
    static constexpr Duration window = 2s;
    static constexpr std::size_t samples_max = 4096;

    void count(const media::AccessUnit& unit, Instant arrival);
    void count_dropped(std::uint64_t units) { dropped_ += units; }
    void count_received(std::size_t bytes) { received_ += bytes; }

    /// Fills the counters of the report and of its tracks.
    void fill(StreamReport& report, Instant now) const;

private:
    struct Sample {
        Instant at;
        std::uint32_t bytes;
        std::int8_t qp;   // -1: not known
    };
    struct TrackMeter {
        std::uint64_t units = 0;
        std::uint64_t bytes = 0;
        std::deque<Sample> recent;
    };
    static void fill(TrackReport& report, const TrackMeter& meter, Instant now);

    std::array<TrackMeter, tracks_max> tracks_;
    std::uint64_t dropped_ = 0;
    std::uint64_t received_ = 0;
    std::int64_t last_key_ms_ = -1;
    std::int64_t gop_ms_ = 0;
};

}   // namespace millrace::hub
