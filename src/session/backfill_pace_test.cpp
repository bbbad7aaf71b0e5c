#include "session/backfill_pace.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// Bytes that may leave within so long, and the rate at its end.
struct Sent {
    double bytes = 0;
    double rate = 0;
};

Sent run(BackfillPace& pace, const BackfillPace::Sight& sight, Duration length, Instant& now) {
    Sent all;
    for (const Instant until = now + length; now < until; now = now + BackfillPace::look_every) {
        all.bytes += static_cast<double>(pace.look(sight, now));
    }
    all.rate = pace.rate();
    return all;
}

const BackfillPace::Trip free_path{.now = 20ms, .least = 20ms};
const BackfillPace::Trip full_path{.now = 200ms, .least = 20ms};

TEST(BackfillPace, goes_up_to_its_cap_on_a_free_path_and_no_further) {
    BackfillPace pace{10'000'000};
    Instant now;
    const BackfillPace::Sight sight{.live = free_path, .own = free_path, .wants_more = true};
    run(pace, sight, 2s, now);
    const Sent then = run(pace, sight, 1s, now);
    EXPECT_DOUBLE_EQ(then.rate, 10e6);
    EXPECT_NEAR(then.bytes * 8, 10e6, 1e5);
}

TEST(BackfillPace, f11_sends_nothing_while_live_media_waits) {
    BackfillPace pace{0};
    Instant now;
    const BackfillPace::Sight waits{
        .live_waits = 150ms, .live = free_path, .own = free_path, .wants_more = true};
    EXPECT_DOUBLE_EQ(run(pace, waits, 1s, now).bytes, 0);
    EXPECT_DOUBLE_EQ(pace.rate(), BackfillPace::rate_min) << "and begins anew slowly";
}

TEST(BackfillPace, f11_gives_way_where_either_links_round_trip_grows) {
    for (const bool own : {true, false}) {
        BackfillPace pace{0};
        Instant now;
        run(pace, {.live = free_path, .own = free_path, .wants_more = true}, 3s, now);
        const double before = pace.rate();
        const BackfillPace::Sight queued{
            .live = own ? free_path : full_path, .own = own ? full_path : free_path, .wants_more = true};
        EXPECT_LT(run(pace, queued, 500ms, now).rate, before / 10) << own;
        EXPECT_GE(pace.rate(), BackfillPace::rate_min);
    }
}

TEST(BackfillPace, a_long_pause_saves_nothing_up) {
    BackfillPace pace{8'000'000};
    Instant now;
    const BackfillPace::Sight sight{.own = free_path, .wants_more = true};
    run(pace, sight, 2s, now);
    now = now + 1h;
    EXPECT_LE(pace.look(sight, now), 100'000U) << "of 100 ms at most";
}

}   // namespace
}   // namespace millrace::session
