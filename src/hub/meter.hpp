#pragma once

#include "base/time.hpp"
#include "hub/report.hpp"
#include "hub/sliding_sums.hpp"
#include "media/access_unit.hpp"

#include <array>
#include <optional>

namespace millrace::hub {

/// Counts what a stream takes in: totals, and what came of late. The one place that computes the numbers of
/// docs/guide/measurements.md for a stream. Own thread only.
class Meter {
public:
    static constexpr std::size_t tracks_max = 8;
    /// Two pictures further apart in their camera's numbers are of two cameras.
    static constexpr std::int32_t camera_leap = 10'000;

    void count(const media::AccessUnit& unit, Instant arrival);
    /// Units that came before the first key frame: nobody could show them.
    void count_early() { ++early_; }
    /// Units that were of no use.
    void count_unusable(std::uint64_t units) { unusable_ += units; }
    void count_received(std::size_t bytes, Instant arrival);
    void count_packets(std::uint64_t lost, std::uint64_t late) {
        packets_lost_ += lost;
        packets_late_ += late;
    }

    void count_chunks(const ChunkChecks& checks) {
        chunks_.proven += checks.proven;
        chunks_.different += checks.different;
        chunks_.incomplete += checks.incomplete;
    }

    /// Another publisher: what is told of key frames begins anew.
    void restart();

    std::uint64_t unusable() const { return unusable_; }
    const ChunkChecks& chunks() const { return chunks_; }
    /// When the newest key frame of pictures came; nothing: none has come from this publisher.
    std::optional<Instant> key_at() const { return key_at_; }
    /// The longest time between two key frames of late; 0: not known.
    Duration gop() const;
    /// How much longer one picture waits than another until it is shown, in the group before.
    Duration reordering() const { return reordering_; }
    /// Average of the last second's slices, of the first track that has any in it.
    std::optional<double> slice_qp(Instant now) const;

    /// Fills the counters of the report and of its tracks.
    void fill(StreamReport& report, Instant now) const;

private:
    /// What a step of time brought. Sums of QP are over pictures.
    struct Share {
        std::uint64_t bytes = 0;
        std::uint64_t raw_bytes = 0;     // of the pictures, uncompressed
        std::uint64_t coded_bytes = 0;   // of the same pictures
        Duration media{};                // that the timed ones lie apart by their timestamps
        std::uint32_t units = 0;
        std::uint32_t timed = 0;
        std::uint32_t captured = 0;
        std::uint32_t with_slice_qp = 0;
        std::uint32_t with_coded_qp = 0;
        float slice_qp = 0;
        float coded_qp = 0;
        std::int8_t qp_min = INT8_MAX;
        std::int8_t qp_max = INT8_MIN;
        Share& operator+=(const Share& other);
    };
    struct TrackMeter {
        std::uint64_t units = 0;
        std::uint64_t bytes = 0;
        SlidingSums<Share> recent;
        std::optional<Duration> last;      // timestamp of the newest unit
        std::optional<Duration> transit;   // arrival minus timestamp, likewise
        double jitter_ns = 0;
        std::optional<std::uint32_t> number;   // the highest of its camera
        std::uint64_t captured = 0;
        std::uint64_t numbered = 0;
        SliceQpCounts slice_qp;   // `at_most` counts each bound's own share here
    };
    static void fill(TrackReport& report, const TrackMeter& meter, Instant now);
    static void fill_quality(TrackReport& report, const TrackMeter& meter, Instant now);
    static void count_time(TrackMeter& track, Share& share, const media::AccessUnit& unit, Instant arrival);
    static void count_camera(TrackMeter& track, Share& share, std::uint32_t number);
    static void count_quality(TrackMeter& track, Share& share, const media::AccessUnit& unit);
    void count_picture(const media::AccessUnit& unit, Instant arrival);

    std::array<TrackMeter, tracks_max> tracks_;
    SlidingSums<std::uint64_t> wire_;

    /// Groups of which the longest counts: encoders begin one early where the scene changes.
    static constexpr std::size_t gops_kept = 4;

    std::uint64_t early_ = 0;
    std::uint64_t unusable_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t packets_lost_ = 0;
    std::uint64_t packets_late_ = 0;
    ChunkChecks chunks_;
    std::int64_t last_key_ms_ = -1;
    std::array<std::int64_t, gops_kept> gops_ms_{};
    std::size_t gops_ = 0;
    std::optional<Instant> key_at_;
    std::int64_t wait_min_ms_ = 0;   // from decoding to showing, in the group under way
    std::int64_t wait_max_ms_ = 0;
    Duration reordering_{};
};

}   // namespace millrace::hub
