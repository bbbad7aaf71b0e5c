#pragma once

#include "base/time.hpp"
#include "hub/report.hpp"
#include "media/access_unit.hpp"

#include <array>
#include <deque>
#include <optional>

namespace millrace::hub {

/// Counts what a stream takes in: totals, and rates over the last two seconds. Own thread only.
class Meter {
public:
    static constexpr std::size_t tracks_max = 8;
    static constexpr Duration window = 2s;
    static constexpr std::size_t samples_max = 4096;

    void count(const media::AccessUnit& unit, Instant arrival);
    /// Units that came before the first key frame: nobody could show them.
    void count_early() { ++early_; }
    /// Units that were of no use.
    void count_unusable(std::uint64_t units) { unusable_ += units; }
    void count_received(std::size_t bytes) { received_ += bytes; }

    /// Another publisher: what is told of key frames begins anew.
    void restart();

    std::uint64_t unusable() const { return unusable_; }
    /// When the newest key frame of pictures came; nothing: none has come from this publisher.
    std::optional<Instant> key_at() const { return key_at_; }
    /// The longest time between two key frames of late; 0: not known.
    Duration gop() const;
    /// How much longer one picture waits than another until it is shown, in the group before.
    Duration reordering() const { return reordering_; }

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
    void count_picture(const media::AccessUnit& unit, Instant arrival);

    /// Groups of which the longest counts: encoders begin one early where the scene changes.
    static constexpr std::size_t gops_kept = 4;

    std::uint64_t early_ = 0;
    std::uint64_t unusable_ = 0;
    std::uint64_t received_ = 0;
    std::int64_t last_key_ms_ = -1;
    std::array<std::int64_t, gops_kept> gops_ms_{};
    std::size_t gops_ = 0;
    std::optional<Instant> key_at_;
    std::int64_t wait_min_ms_ = 0;   // from decoding to showing, in the group under way
    std::int64_t wait_max_ms_ = 0;
    Duration reordering_{};
};

}   // namespace millrace::hub
