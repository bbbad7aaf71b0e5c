#include "sim/flv_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;

/// Plays one camera to viewers of both kinds, one from the beginning and one late, and judges each.
void play(const CameraPlan& camera, const Demands& demands, std::int64_t step_max_ms) {
    World world{11};
    const Publisher& publisher = world.add<Publisher>(Publisher::Plan{.camera = camera, .length = 6s});
    std::vector<const Viewer*> viewers;
    for (const Duration after : {20ms, 2700ms}) {
        viewers.push_back(&watch_flv(world, {.after = after}));
        viewers.push_back(&watch_rtmp(world, {.after = after}));
    }
    world.run_for(20s);
    for (const Viewer* viewer : viewers) {
        EXPECT_EQ(verdict_of(viewer->account(), demands), "");
        EXPECT_LE(viewer->account().step_max_ms(), step_max_ms);
        ASSERT_NE(viewer->account().last(), nullptr);
        EXPECT_EQ(viewer->account().last()->place + 1, world.ledger().publication(publisher.number()).units);
    }
    EXPECT_EQ(world.held(), Machine::Held{});
}

TEST(Timestamps, of_a_sane_publisher_pass_unchanged_wherever_its_clock_starts) {
    for (const std::int64_t first_ms :
         {std::int64_t{0}, 5 * hour_ms, 25 * 24 * hour_ms, (std::int64_t{1} << 24U) - 2500,
          (std::int64_t{1} << 31U) - 2500, (std::int64_t{1} << 32U) - 2500, (std::int64_t{1} << 32U) - 1}) {
        SCOPED_TRACE(first_ms);
        play({.first_ms = first_ms}, {.units_min = 100, .skew_max_ms = 1}, 65);
    }
}

TEST(Timestamps, case_10_jumps_leave_the_output_monotonic_and_sound_with_its_pictures) {
    struct Case {
        const char* what;
        std::int64_t by_ms;
        std::int64_t step_max_ms;
    };
    const std::vector<Case> cases{
        {"10 s ahead", 10'000, 150},       {"24 h ahead", 24 * hour_ms, 150},
        {"24 h back", -24 * hour_ms, 150}, {"10 s back", -10'000, 150},
        {"half a second back", -500, 150}, {"a little back", -90, 150},
        {"a hole of 2 s", 2'000, 2'070},   {"a month ahead", 24 * 24 * hour_ms, 150},
    };
    for (const Case& one : cases) {
        for (const std::int64_t first_ms : {25 * hour_ms, (std::int64_t{1} << 32U) - 1000}) {
            SCOPED_TRACE(fmt::format("{}, from {} ms on", one.what, first_ms));
            play({.first_ms = first_ms, .jumps = {{2s, one.by_ms}}},
                 {.units_min = 100, .times_unchanged = false}, one.step_max_ms);
        }
    }
}

TEST(Timestamps, case_10_many_jumps_do_not_tear_sound_from_pictures) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        SeededRandom chance{seed};
        CameraPlan camera{.first_ms = 30 * hour_ms};
        for (Duration at = 700ms; at < 5s; at += between(chance, 200ms, 900ms)) {
            const std::int64_t by_ms = chance.below(20'000'000);
            camera.jumps.push_back({at, chance.below(2) == 0 ? by_ms + 4'000 : -by_ms - 300});
        }
        play(camera, {.units_min = 100, .times_unchanged = false}, 150);
    }
}

}   // namespace
}   // namespace millrace::sim
