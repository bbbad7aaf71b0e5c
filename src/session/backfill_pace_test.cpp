#include "session/backfill_pace.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

using Trip = BackfillPace::Trip;
using Sight = BackfillPace::Sight;

const Trip free_path{.now = 20ms, .least = 20ms};
const Trip full_path{.now = 200ms, .least = 20ms};

/// Uses all that it may, for so long; bytes a second.
double run(BackfillPace& pace, const Sight& sight, Duration length, Instant& now) {
    double bytes = 0;
    for (const Instant until = now + length; now < until; now = now + BackfillPace::look_every) {
        const std::size_t may = pace.look(sight, now);
        EXPECT_TRUE(may == 0 || may >= BackfillPace::piece_min) << may;
        pace.note_sent(may);
        bytes += static_cast<double>(may);
    }
    return bytes / std::chrono::duration<double>{length}.count();
}

/// A path of that many bytes a second with a queue, and live media on it: a burst each 40 ms.
class NarrowPath {
public:
    /// `jitter`: as much as that of what is least of late is chance, on each link.
    NarrowPath(double rate, double live_burst, Duration jitter = {})
        : rate_{rate}, live_burst_{live_burst}, jitter_{jitter} {}

    struct Seen {
        double backfill = 0;       // bytes a second
        double burst_waited = 0;   // seconds, the most
        double burst_waited_mean = 0;
    };
    Seen run(BackfillPace& pace, Duration length, Instant& now) {
        Seen seen;
        double bursts = 0;
        for (const Instant until = now + length; now < until; now = now + BackfillPace::look_every) {
            const double passed = std::chrono::duration<double>{BackfillPace::look_every}.count();
            queue_ = std::max(0.0, queue_ - rate_ * passed);
            if ((now - Instant{}) / 1ms % 40 == 0) {
                const double waits = queue_ / rate_;
                seen.burst_waited = std::max(seen.burst_waited, waits);
                seen.burst_waited_mean += waits;
                ++bursts;
                queue_ += live_burst_;
                live_sent_ += static_cast<std::uint64_t>(live_burst_);
            }
            least_ = looks_++ % 20 == 0 ? queue_ : std::min(least_, queue_);
            lately_ = looks_ % 20 == 0 ? least_ : std::min(lately_, queue_);
            const Duration late{static_cast<std::int64_t>(std::min(lately_, least_) / rate_ * 1e9)};
            const Trip own{.now = 40ms + late + chance(), .least = 40ms};
            const Trip live{.now = 40ms + late + chance(), .least = 40ms};
            const std::size_t may = pace.look({.live_sent = live_sent_, .live = live, .own = own}, now);
            pace.note_sent(may);
            queue_ += static_cast<double>(may);
            seen.backfill += static_cast<double>(may);
        }
        seen.backfill /= std::chrono::duration<double>{length}.count();
        seen.burst_waited_mean /= bursts;
        return seen;
    }

private:
    Duration chance() { return dice_.below(101) * (jitter_ / 100); }

    double rate_;
    double live_burst_;
    Duration jitter_;
    SeededRandom dice_{1};
    double queue_ = 0;    // bytes
    double least_ = 0;    // of it, in the span of looks under way
    double lately_ = 0;   // and the one before
    std::uint64_t looks_ = 0;
    std::uint64_t live_sent_ = 0;
};

TEST(BackfillPace, goes_up_to_its_cap_on_a_free_path_and_no_further) {
    BackfillPace pace{10'000'000};
    Instant now;
    const Sight sight{.live = free_path, .own = free_path};
    run(pace, sight, 3s, now);
    EXPECT_NEAR(run(pace, sight, 1s, now) * 8, 10e6, 1e5);
    EXPECT_DOUBLE_EQ(pace.rate(), 10e6);
}

TEST(BackfillPace, finds_a_free_paths_rate_within_five_seconds) {
    BackfillPace pace{0};
    Instant now;
    const Sight sight{.live = free_path, .own = free_path};
    run(pace, sight, 5s, now);
    EXPECT_NEAR(run(pace, sight, 1s, now) * 8, BackfillPace::rate_max, 1e6);
}

TEST(BackfillPace, f11_fills_what_live_media_leaves_of_a_narrow_path_and_no_picture_waits_for_it) {
    for (const double rate : {125e3, 250e3, 1e6}) {
        SCOPED_TRACE(rate);
        NarrowPath path{rate, 2'400};   // 60 kB/s
        BackfillPace pace{0};
        Instant now;
        path.run(pace, 5s, now);
        const NarrowPath::Seen seen = path.run(pace, 60s, now);
        EXPECT_GT(seen.backfill, 0.7 * (rate - 60e3));
        EXPECT_LT(seen.burst_waited_mean, 1.5 * BackfillPace::piece_min / rate);
    }
}

TEST(BackfillPace, f11_sends_nothing_while_live_media_waits) {
    BackfillPace pace{0};
    Instant now;
    const Sight waits{.live_waits = 150ms, .live = free_path, .own = free_path};
    run(pace, {.live = free_path, .own = free_path}, 2s, now);
    EXPECT_DOUBLE_EQ(run(pace, waits, 1s, now), 0);
    EXPECT_LE(pace.rate(), BackfillPace::rate_first) << "and begins anew slowly";
}

TEST(BackfillPace, jitter_is_no_queue_whatever_of_it_the_path_has) {
    for (const Duration jitter : {10ms, 20ms, 30ms}) {
        SCOPED_TRACE(jitter / 1ms);
        NarrowPath path{1e6, 2'400, jitter};
        BackfillPace pace{0};
        Instant now;
        path.run(pace, 30s, now);
        EXPECT_GT(path.run(pace, 60s, now).backfill, 0.4 * (1e6 - 60e3));
    }
}

TEST(BackfillPace, f11_gives_way_where_the_round_trips_grow_and_never_stops) {
    for (const bool live_flows : {true, false}) {
        SCOPED_TRACE(live_flows);
        BackfillPace pace{0};
        Instant now;
        std::uint64_t live_sent = 0;
        const auto sent_in = [&](const Sight& path, Duration length) {
            double bytes = 0;
            for (const Instant until = now + length; now < until;) {
                Sight sight = path;
                sight.live_sent = live_sent += live_flows ? 100 : 0;
                bytes += run(pace, sight, BackfillPace::look_every, now);
            }
            return bytes * BackfillPace::look_every / length;
        };
        sent_in({.live = free_path, .own = free_path}, 2s);
        const double before = pace.rate();
        // Where no live media goes, nothing new is known of its link.
        const Sight queued{.live = live_flows ? full_path : free_path, .own = full_path};
        sent_in(queued, 1s);
        EXPECT_LT(pace.rate(), before / 4);
        sent_in(queued, 5s);
        EXPECT_NEAR(sent_in(queued, 5s) * 8, BackfillPace::rate_min, 5e3);
    }
}

TEST(BackfillPace, what_a_ping_now_and_then_says_counts_where_it_is_more_than_chance) {
    BackfillPace pace{0};
    Instant now;
    const auto by_tcp = [](Duration trip) {
        return Sight{.own = {trip, 20ms, BackfillPace::queue_doubtful_tcp}};
    };
    run(pace, by_tcp(55ms), 3s, now);
    const double before = pace.rate();
    EXPECT_GT(before, 20e6);
    run(pace, by_tcp(65ms), 1s, now);
    EXPECT_LT(pace.rate(), before / 2);
}

TEST(BackfillPace, what_goes_now_and_then_proves_nothing_of_the_path) {
    BackfillPace pace{0};
    Instant now;
    for (int second = 0; second < 60; ++second) {
        run(pace, {.own = free_path}, 100ms, now);
        now = now + 900ms;
    }
    EXPECT_LE(pace.rate(), BackfillPace::rate_first);
    run(pace, {.own = free_path}, 3s, now);
    EXPECT_GT(pace.rate(), 20e6);
    now = now + 10s;
    EXPECT_LE(pace.look({.own = free_path}, now), 4'000U) << "by then it may be another path";
}

TEST(BackfillPace, a_long_pause_saves_nothing_up) {
    BackfillPace pace{8'000'000};
    Instant now;
    run(pace, {.own = free_path}, 3s, now);
    now = now + 4s;
    EXPECT_LE(pace.look({.own = free_path}, now), 30'000U) << "of 20 ms at most";
}

}   // namespace
}   // namespace millrace::session
