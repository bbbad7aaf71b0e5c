#include "sim/flv_viewer.hpp"
#include "sim/hls_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

constexpr Duration call = 50ms;        // a work of the slow disk
constexpr Duration stall = 5s;         // is borne,
constexpr Duration long_stall = 50s;   // and this is not: the feed keeps 30 s
constexpr Duration added_max = 50ms;   // to live
constexpr Duration plain_max = 60ms;   // of live, whatever the disk does not do

/// A server that records what its viewers watch, each by another way.
struct Scene {
    /// 25 pictures a second, every 25th a key picture of three times the size.
    Scene(std::uint64_t seed, std::size_t picture_size, Duration length)
        : world{seed, {.workers = 2, .records = true}} {
        const CameraPlan camera{.key_interval = 25, .picture_size = picture_size};
        world.add<Publisher>(Publisher::Plan{.camera = camera, .length = length});
        for (const std::size_t worker : {0U, 1U}) {
            const ViewerPlan plan{.after = 1s, .link = {.worker = worker}};
            direct.push_back(&watch_flv(world, plan));
            direct.push_back(&watch_rtmp(world, plan));
            lists.push_back(&watch_hls(world, plan, HlsViewer::Form::cmaf));
        }
        world.run_for(3s);
        for (Viewer* const viewer : direct) {
            viewer->account().forget_delay();   // a newcomer's first pictures waited for it
        }
    }

    /// How late anything was since then, at most, by the direct ways.
    Duration delay_max() const {
        Duration most{};
        for (const Viewer* const viewer : direct) {
            most = std::max(most, viewer->account().delay_max());
        }
        return most;
    }
    /// Once nothing is live any more, and also those who follow lists had all.
    void expect_whole(std::uint64_t units_min) {
        world.run_for(40s);
        for (const Viewer* const viewer : direct) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = units_min, .skew_max_ms = 1}), "");
        }
        for (const Viewer* const viewer : lists) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = units_min, .skew_max_ms = 1}), "");
        }
    }
    hub::RecordingReport recording() { return world.reports().at(0).recording; }
    std::uint64_t on_disk() { return world.machine(0).disk().used(); }

    World world;
    std::vector<Viewer*> direct;
    std::vector<Viewer*> lists;
};

TEST(SlowDisk, f9_live_is_not_later_for_a_disk_that_is_slow_and_stalls) {
    for (const std::uint64_t seed : seeds(5)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Scene plain{seed, 2'000, 30s};
        plain.world.run_for(25s);
        ASSERT_LE(plain.delay_max(), plain_max);

        Scene slow{seed, 2'000, 30s};
        Machine& server = slow.world.machine(0);
        server.slow_disk(call);
        slow.world.run_for(10s);
        server.stall_disk(stall);
        slow.world.run_for(1s);
        const std::uint64_t before = slow.on_disk();
        slow.world.run_for(3s);
        EXPECT_EQ(slow.on_disk(), before) << "the disk does stand still";
        slow.world.run_for(11s);
        EXPECT_LE(slow.delay_max(), plain.delay_max() + added_max);
        EXPECT_GT(slow.on_disk(), before);
        EXPECT_EQ(slow.recording().lost, 0U);
        EXPECT_EQ(slow.recording().trouble, "");
        slow.expect_whole(1'000);
    }
}

TEST(SlowDisk, f9_live_is_not_later_for_a_disk_that_loses_what_nobody_could_keep_for_it) {
    constexpr std::size_t picture_size = 12'000;   // more than the disk's queue takes meanwhile
    Scene plain{9, picture_size, 20s};
    plain.world.run_for(15s);
    Scene slow{9, picture_size, 80s};
    slow.world.machine(0).stall_disk(long_stall);
    slow.world.run_for(45s);
    EXPECT_LE(slow.world.reports().at(0).memory, std::size_t{64} << 20U) << "bounded";
    slow.world.run_for(25s);
    EXPECT_GT(slow.recording().lost, 0U) << "a gap, which recorder_test names";
    EXPECT_LE(slow.delay_max(), plain.delay_max() + added_max);
    slow.expect_whole(2'000);
}

}   // namespace
}   // namespace millrace::sim
