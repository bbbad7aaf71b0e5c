#include "hub/drift.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

Instant at(Duration since) {
    return Instant::from_nanoseconds(since.count());
}

/// Units every 40 ms of a clock that is off by this share of a minute; the network adds up to `moods`.
void feed(Drift& drift, Duration span, double ms_per_minute, Duration moods) {
    SeededRandom random{3};
    for (Duration time{}; time < span; time += 40ms) {
        const auto gained =
            Duration{static_cast<std::int64_t>(static_cast<double>(time.count()) * ms_per_minute / 60'000)};
        const Duration mood = moods.count() > 0 ? Duration{random.below(1000)} * moods.count() / 1000 : 0ns;
        drift.count(time, at(5s + time + gained + mood));
    }
}

TEST(Drift, finds_a_clock_that_is_off_by_its_share) {
    for (const double off : {-300.0, -25.0, 30.0, 600.0}) {
        Drift drift;
        feed(drift, 3min, off, 5ms);
        ASSERT_TRUE(drift.milliseconds_per_minute()) << off;
        EXPECT_NEAR(*drift.milliseconds_per_minute(), off, 2 + std::abs(off) / 50) << off;
    }
}

TEST(Drift, says_nothing_within_a_minute) {
    Drift drift;
    feed(drift, 55s, 500, 0ms);
    EXPECT_FALSE(drift.milliseconds_per_minute());
}

TEST(Drift, takes_no_jitter_for_drift) {
    Drift drift;
    feed(drift, 5min, 0, 200ms);
    EXPECT_LT(std::abs(drift.milliseconds_per_minute().value_or(0)), 10);
}

TEST(Drift, takes_one_step_for_no_slope) {
    Drift drift;
    for (Duration time{}; time < 3min; time += 40ms) {
        drift.count(time, at(5s + time + (time > 90s ? 300ms : 0ms)));
    }
    EXPECT_FALSE(drift.milliseconds_per_minute());
}

TEST(Drift, begins_anew_after_a_jump) {
    Drift drift;
    feed(drift, 3min, 300, 0ms);
    drift.restart();
    EXPECT_FALSE(drift.milliseconds_per_minute());
}

}   // namespace
}   // namespace millrace::hub
