#include "sim/flv_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

using Viewers = std::vector<Viewer*>;

Viewers watch(World& world, int count, const ViewerPlan& plan) {
    Viewers viewers;
    for (int i = 0; i < count; ++i) {
        if (i % 2 == 0) {
            viewers.push_back(&watch_flv(world, plan));
        } else {
            viewers.push_back(&watch_rtmp(world, plan));
        }
    }
    return viewers;
}

/// A newcomer's first pictures wait for it since the last key picture: that is no delay.
void forget_delays(const Viewers& viewers) {
    for (Viewer* viewer : viewers) {
        viewer->account().forget_delay();
    }
}

/// About 64 kB/s, a key picture a second.
CameraPlan wide_camera() {
    return {.key_interval = 25, .picture_size = 2'200};
}

constexpr Demands whole{.units_min = 1'000, .skew_max_ms = 1, .delay_max = 110ms};
constexpr Demands with_holes{.units_min = 30, .nothing_missing = false, .skew_max_ms = 1};

TEST(Slow, f17_viewers_that_stop_reading_are_dropped_in_time_and_nobody_else_notices) {
    constexpr int each = 20;
    World world{17, {.workers = 2}};
    world.add<Publisher>(Publisher::Plan{.camera = wide_camera(), .length = 60s});
    const Viewers good = watch(world, each, {.after = 1s, .link = {.down = {.delay = 50ms}}});
    const Viewers stopped = watch(world, each, {.after = 1s, .stops_after = 2s, .stops_for = 40s});
    const Viewers tenth = watch(
        world, each, {.after = 1s, .link = {.down = {.window = 32U << 10U, .bytes_per_second = 6'400}}});
    world.run_for(3s);
    EXPECT_EQ(world.held().viewers, 3U * each);
    forget_delays(good);
    // The window is full after 2 s, and from then on the link takes nothing.
    world.run_for(2s + 15s + 1s);
    EXPECT_LE(world.held().viewers, 2U * each);
    EXPECT_GE(world.held().viewers, 1U * each);
    for (const hub::StreamReport& report : world.reports()) {
        EXPECT_LE(report.memory, 4U << 20U);
    }
    world.run_for(30s);
    for (const Viewer* viewer : good) {
        EXPECT_TRUE(viewer->playing());
        EXPECT_EQ(verdict_of(viewer->account(), whole), "");
    }
    for (const Viewer* viewer : stopped) {
        EXPECT_EQ(viewer->state(), Viewer::State::ended);
        EXPECT_EQ(verdict_of(viewer->account(), with_holes), "");
    }
    for (const Viewer* viewer : tenth) {
        EXPECT_EQ(verdict_of(viewer->account(), with_holes), "");
        EXPECT_TRUE(viewer->state() == Viewer::State::ended || viewer->account().holes() > 2);
    }
    world.run_for(60s);
    EXPECT_EQ(world.held(), Machine::Held{});
}

TEST(Slow, f17_viewers_that_pause_go_on_at_a_key_picture_near_the_live_edge) {
    World world{18};
    world.add<Publisher>(Publisher::Plan{.camera = wide_camera(), .length = 30s});
    const Viewers good = watch(world, 4, {.after = 1s, .link = {.worker = 1}});
    const Viewers paused = watch(
        world, 20, {.after = 1s, .stops_after = 3s, .stops_for = 10s, .link = {.down = {.delay = 20ms}}});
    world.run_for(16s);
    forget_delays(paused);
    world.run_for(14s);
    for (const Viewer* viewer : paused) {
        EXPECT_TRUE(viewer->playing());
        EXPECT_EQ(viewer->account().holes(), 2U) << "one in each track";
        EXPECT_EQ(
            verdict_of(viewer->account(), {.nothing_missing = false, .skew_max_ms = 1, .delay_max = 100ms}),
            "");
    }
    for (const Viewer* viewer : good) {
        EXPECT_EQ(verdict_of(viewer->account(), whole), "");
    }
    world.run_for(30s);
    EXPECT_EQ(world.held(), Machine::Held{});
}

TEST(Slow, f17_whatever_a_link_takes_a_viewer_gets_whole_messages_from_key_pictures_on) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed};
        Random& chance = world.chance();
        CameraPlan camera = wide_camera();
        camera.key_interval = 1 + chance.below(100);
        camera.picture_size = 100 + chance.below(10'000);
        world.add<Publisher>(Publisher::Plan{.camera = camera, .length = 25s});
        const Viewers good = watch(world, 2, {.after = 500ms});
        Viewers slow;
        for (int i = 0; i < 8; ++i) {
            Link link = any_link(chance);
            link.down.one_byte_reads = false;
            link.down.bytes_per_second = 500 + chance.below(300'000);
            link.down.window = std::size_t{256} << chance.below(10);
            ViewerPlan plan{.after = between(chance, 300ms, 8s), .link = link};
            if (chance.below(2) == 0) {
                plan.stops_after = between(chance, 0ms, 8s);
                plan.stops_for = between(chance, 0ms, 20s);
            }
            const Viewers two = watch(world, 2, plan);
            slow.insert(slow.end(), two.begin(), two.end());
        }
        world.run_for(3s);
        forget_delays(good);
        world.run_for(17s);
        for (const hub::StreamReport& report : world.reports()) {
            EXPECT_LE(report.memory, 20U << 20U);
        }
        world.run_for(60s);
        for (const Viewer* viewer : good) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 700, .skew_max_ms = 1, .delay_max = 60ms}),
                      "");
        }
        for (const Viewer* viewer : slow) {
            EXPECT_EQ(
                verdict_of(viewer->account(), {.units_min = 0, .nothing_missing = false, .skew_max_ms = 1}),
                "");
        }
        world.run_for(120s);
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

}   // namespace
}   // namespace millrace::sim
