#include "sim/flv_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::sim {
namespace {

using Numbers = std::vector<std::uint32_t>;

/// Viewers of both kinds, on every worker.
std::vector<const Viewer*> audience(World& world, Duration after) {
    std::vector<const Viewer*> viewers;
    for (std::size_t i = 0; i < 4; ++i) {
        const ViewerPlan plan{.after = after, .link = {.worker = i / 2}};
        if (i % 2 == 0) {
            viewers.push_back(&watch_flv(world, plan));
        } else {
            viewers.push_back(&watch_rtmp(world, plan));
        }
    }
    return viewers;
}

TEST(Publishers, f19_a_second_beside_a_live_one_is_refused_and_no_frame_is_mixed) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed};
        const Publisher& first = world.add<Publisher>(Publisher::Plan{.length = 14s});
        std::vector<const Publisher*> others;
        for (int i = 0; i < 5; ++i) {
            others.push_back(
                &world.add<Publisher>(Publisher::Plan{.after = between(world.chance(), 200ms, 9s),
                                                      .length = 1h,
                                                      .link = any_link(world.chance())}));
        }
        const auto viewers = audience(world, 200ms);
        world.run_for(30s);
        for (const Publisher* other : others) {
            EXPECT_EQ(other->state(), Publisher::State::refused);
            EXPECT_EQ(other->refusal(), "NetStream.Publish.BadName");
        }
        for (const Viewer* viewer : viewers) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 350}), "");
            EXPECT_EQ(viewer->account().publications(), Numbers{first.number()});
        }
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

TEST(Publishers, f19_of_fifty_at_the_same_instant_exactly_one_is_accepted) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed, {.workers = 3}};
        std::vector<const Publisher*> all;
        const bool alike = seed % 2 == 0;
        for (int i = 0; i < 50; ++i) {
            all.push_back(&world.add<Publisher>(
                Publisher::Plan{.length = 6s, .link = alike ? Link{} : any_link(world.chance())}));
        }
        const auto viewers = audience(world, 2s);
        world.run_for(4s);
        EXPECT_EQ(std::ranges::count(all, Publisher::State::live, &Publisher::state), 1);
        world.run_for(30s);
        EXPECT_EQ(std::ranges::count_if(all, &Publisher::was_live), 1);
        EXPECT_EQ(std::ranges::count(all, Publisher::State::refused, &Publisher::state), 49);
        const auto accepted = std::ranges::find_if(all, &Publisher::was_live);
        for (const Viewer* viewer : viewers) {
            EXPECT_EQ(verdict_of(viewer->account(), {}), "");
            EXPECT_EQ(viewer->account().publications(), Numbers{(*accepted)->number()});
        }
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

TEST(Publishers, f19_a_dead_one_is_replaced_within_five_seconds_and_viewers_go_on) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed};
        const Publisher& dead = world.add<Publisher>(
            Publisher::Plan{.length = 3s, .end = Publisher::End::silent, .link = {.worker = seed % 2}});
        const Duration after = between(world.chance(), 3s, 12s);
        const Publisher& next = world.add<Publisher>(
            Publisher::Plan{.after = after, .length = 4s, .link = {.worker = seed / 2 % 2}});
        const auto viewers = audience(world, 500ms);
        world.run_for(40s);
        ASSERT_TRUE(next.was_live());
        EXPECT_LE(next.live_since() - (Instant{} + after), 5s);
        EXPECT_LE(dead.ended_at() - next.live_since(), 1s) << "the dead one is told";
        for (const Viewer* viewer : viewers) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 240, .times_unchanged = false}), "");
            EXPECT_EQ(viewer->account().publications(), (Numbers{dead.number(), next.number()}));
        }
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

TEST(Publishers, one_that_returns_within_grace_goes_on_for_its_viewers_by_the_arrival_clock) {
    for (const std::uint64_t seed : seeds(30)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed};
        Random& chance = world.chance();
        const Duration away = between(chance, 100ms, 8s);
        constexpr std::array<std::int64_t, 4> clocks{0, 3'000, 90'000'000, 3'600'000};
        const Publisher& first = world.add<Publisher>(
            Publisher::Plan{.camera = {.first_ms = 3'600'000},
                            .length = 3s,
                            .end = seed % 2 == 0 ? Publisher::End::closed : Publisher::End::said,
                            .link = {.worker = 0}});
        // Its clock starts anew, goes on where it stopped, or is another.
        const std::int64_t clock = seed % 4 == 1 ? 3'603'000 : clocks.at(chance.below(clocks.size()));
        const Publisher& second = world.add<Publisher>(Publisher::Plan{
            .camera = {.first_ms = clock}, .after = 3s + away, .length = 3s, .link = {.worker = 1}});
        const auto viewers = audience(world, 500ms);
        world.run_for(30s);
        for (const Viewer* viewer : viewers) {
            const Account& account = viewer->account();
            EXPECT_EQ(verdict_of(account, {.units_min = 240, .times_unchanged = false}), "");
            EXPECT_EQ(account.publications(), (Numbers{first.number(), second.number()}));
            EXPECT_NEAR(static_cast<double>(account.step_max_ms()), static_cast<double>(away / 1ms), 250);
        }
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

TEST(Publishers, one_that_returns_with_other_tracks_is_seen_by_old_and_new_viewers) {
    struct Case {
        const char* what;
        CameraPlan first;
        CameraPlan second;
    };
    const std::vector<Case> cases{
        {"sound alone, after pictures", {}, {.video = std::nullopt}},
        {"pictures alone", {}, {.audio = false}},
        {"pictures, after sound alone", {.video = std::nullopt}, {}},
        {"H.265 after H.264", {}, {.video = media::Codec::h265}},
        {"other sound", {}, {.sample_rate = 48'000}},
        {"other sound without metadata", {}, {.says_metadata = false, .sample_rate = 48'000}},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        World world{5};
        world.add<Publisher>(Publisher::Plan{.camera = one.first, .end = Publisher::End::closed});
        const Publisher& second =
            world.add<Publisher>(Publisher::Plan{.camera = one.second, .after = 7s, .length = 20s});
        const auto old_viewers = audience(world, 500ms);
        const auto new_viewers = audience(world, 20s);
        world.run_for(50s);
        for (const Viewer* viewer : old_viewers) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 240, .times_unchanged = false}), "");
            EXPECT_EQ(viewer->account().publications().back(), second.number());
        }
        for (const Viewer* viewer : new_viewers) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 80, .times_unchanged = false}), "");
            EXPECT_EQ(viewer->account().publications(), Numbers{second.number()});
        }
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

}   // namespace
}   // namespace millrace::sim
