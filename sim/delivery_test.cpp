#include "sim/flv_viewer.hpp"
#include "sim/hls_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

/// A viewer of one way out or another.
Viewer& watch(World& world, std::uint64_t way, ViewerPlan plan) {
    switch (way % 4) {
        case 0: return watch_flv(world, std::move(plan));
        case 1: return watch_rtmp(world, std::move(plan));
        case 2: return watch_hls(world, std::move(plan), HlsViewer::Form::ts);
        default: return watch_hls(world, std::move(plan), HlsViewer::Form::cmaf);
    }
}

CameraPlan any_camera(Random& chance) {
    CameraPlan plan;
    plan.video = chance.below(3) == 0 ? media::Codec::h265 : media::Codec::h264;
    plan.audio = chance.below(5) != 0;
    plan.says_metadata = chance.below(4) != 0;
    plan.in_band_sets = chance.below(2) == 0;
    constexpr std::array rates{16'000U, 44'100U, 48'000U};
    plan.sample_rate = rates.at(chance.below(rates.size()));
    plan.key_interval = 1 + chance.below(60);
    plan.first_key = chance.below(3) == 0 ? chance.below(30) : 0;
    plan.picture_size = 1 + chance.below(200);
    return plan;
}

TEST(Delivery, over_a_plain_link_every_unit_comes_once_in_order_at_its_time) {
    World world{1};
    const Publisher& publisher = world.add<Publisher>(Publisher::Plan{});
    const Viewer& flv = watch_flv(world, {.after = 1s});
    const Viewer& rtmp = watch_rtmp(world, {.after = 1s});
    world.run_for(4s);
    EXPECT_EQ(publisher.state(), Publisher::State::live);
    EXPECT_TRUE(flv.playing() && rtmp.playing());
    world.run_for(20s);
    EXPECT_EQ(publisher.state(), Publisher::State::ended);
    EXPECT_TRUE(rtmp.told_end());
    for (const Viewer* viewer : {&flv, &rtmp}) {
        EXPECT_EQ(viewer->state(), Viewer::State::ended);
        EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 150, .skew_max_ms = 1, .delay_max = 60ms}), "");
    }
    EXPECT_EQ(world.held(), Machine::Held{});
}

/// Whatever the links, the codecs and the moment of joining.
void deliver_exactly(std::uint64_t seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    World world{seed, {.workers = 1 + seed % 3, .grace = 1s}};
    Random& chance = world.chance();
    const Publisher& publisher = world.add<Publisher>(Publisher::Plan{
        .camera = any_camera(chance),
        .length = 4s,
        .end = chance.below(2) == 0 ? Publisher::End::said : Publisher::End::closed,
        .link = any_link(chance),
    });
    std::vector<const Viewer*> viewers;
    for (std::uint64_t i = 0; i < 6; ++i) {
        viewers.push_back(
            &watch(world, i,
                   {.after = between(chance, 0ms, 4500ms),
                    .stay = chance.below(3) == 0 ? std::optional{between(chance, 0ms, 3s)} : std::nullopt,
                    .link = any_link(chance)}));
    }
    world.run_for(4s);
    for (const hub::StreamReport& report : world.reports()) {
        EXPECT_LE(report.memory, 1U << 20U);
    }
    world.run_for(30s);
    const Ledger::Publication& published = world.ledger().publication(publisher.number());
    ASSERT_EQ(publisher.state(), Publisher::State::ended);
    ASSERT_GE(published.units, 95U);
    for (const Viewer* viewer : viewers) {
        EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 0, .skew_max_ms = 1}), "");
        EXPECT_NE(viewer->state(), Viewer::State::joining);
        EXPECT_FALSE(viewer->playing());
        if (viewer->state() == Viewer::State::ended) {
            ASSERT_NE(viewer->account().last(), nullptr) << "it stayed until the end and saw nothing";
        }
    }
    EXPECT_EQ(world.held(), Machine::Held{});
}

TEST(Delivery, is_exact_over_any_link_from_any_moment_on) {
    for (const std::uint64_t seed : seeds(200)) {
        deliver_exactly(seed);
    }
}

TEST(Delivery, what_was_sent_before_a_said_end_arrives_to_the_last_unit) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed};
        const Publisher& publisher = world.add<Publisher>(Publisher::Plan{
            .camera = any_camera(world.chance()), .length = 8s, .link = any_link(world.chance())});
        const Viewer& viewer = watch(world, seed, {.after = 3s, .link = any_link(world.chance())});
        world.run_for(30s);
        ASSERT_NE(viewer.account().last(), nullptr);
        EXPECT_EQ(viewer.account().last()->place + 1, world.ledger().publication(publisher.number()).units);
        EXPECT_EQ(verdict_of(viewer.account(), {}), "");
    }
}

TEST(Delivery, lists_name_every_unit_from_the_first_segment_to_the_end) {
    World world{3};
    const Publisher& publisher = world.add<Publisher>(Publisher::Plan{.length = 40s});
    std::vector<const HlsViewer*> viewers;
    for (const HlsViewer::Form form : {HlsViewer::Form::ts, HlsViewer::Form::cmaf}) {
        for (const Duration after : {100ms, 5000ms, 21'000ms}) {
            viewers.push_back(&watch_hls(world, {.after = after, .link = any_link(world.chance())}, form));
        }
    }
    world.run_for(100s);
    const Ledger::Publication& published = world.ledger().publication(publisher.number());
    for (const HlsViewer* viewer : viewers) {
        EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 900, .skew_max_ms = 1}), "");
        EXPECT_EQ(viewer->state(), Viewer::State::ended);
        EXPECT_GT(viewer->segments(), 9U);
        ASSERT_NE(viewer->account().last(), nullptr);
        EXPECT_EQ(viewer->account().last()->place + 1, published.units);
    }
    EXPECT_EQ(world.held(), Machine::Held{});
}

TEST(Delivery, keeps_many_streams_apart) {
    World world{21, {.workers = 3, .grace = 500ms}};
    Random& chance = world.chance();
    std::vector<const Viewer*> viewers;
    for (int i = 0; i < 200; ++i) {
        const std::string key = fmt::format("cam{}", i % 40);
        world.add<Publisher>(Publisher::Plan{.camera = any_camera(chance),
                                             .key = key,
                                             .after = between(chance, 0ms, 20s),
                                             .length = between(chance, 1s, 5s)});
        for (int j = 0; j < 3; ++j) {
            viewers.push_back(
                &watch(world, chance.below(4), {.key = key, .after = between(chance, 0ms, 24s)}));
        }
    }
    world.run_for(60s);
    std::uint64_t units = 0;
    for (const Viewer* viewer : viewers) {
        EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 0, .times_unchanged = false}), "");
        EXPECT_NE(viewer->state(), Viewer::State::joining);
        EXPECT_FALSE(viewer->playing());
        units += viewer->account().units();
    }
    EXPECT_GT(units, 10'000U);
    EXPECT_EQ(world.held(), Machine::Held{});
}

TEST(Delivery, goes_on_when_tracks_come_late_change_or_are_alone) {
    struct Case {
        const char* what;
        CameraPlan camera;
    };
    const std::vector<Case> cases{
        {"late audio, announced by nobody", {.audio_from = 2s}},
        {"late audio, without metadata", {.audio_from = 2s, .says_metadata = false}},
        {"audio only", {.video = std::nullopt}},
        {"audio only, without metadata", {.video = std::nullopt, .says_metadata = false}},
        {"video only", {.audio = false}},
        {"other parameter sets twice", {.changes = {1s, 3s}}},
        {"the same in H.265, in band too",
         {.video = media::Codec::h265, .in_band_sets = true, .changes = {1s, 3s}}},
        {"each picture a key picture", {.key_interval = 1}},
        {"a key picture every six seconds", {.key_interval = 150}},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        World world{7};
        const Publisher& publisher = world.add<Publisher>(Publisher::Plan{.camera = one.camera});
        std::vector<const Viewer*> viewers;
        for (const Duration after : {10ms, 500ms, 2500ms}) {
            viewers.push_back(&watch_flv(world, {.after = after}));
            viewers.push_back(&watch_rtmp(world, {.after = after}));
            viewers.push_back(&watch_hls(world, {.after = after}, HlsViewer::Form::ts));
            viewers.push_back(&watch_hls(world, {.after = after}, HlsViewer::Form::cmaf));
        }
        world.run_for(40s);   // and until nobody who polled is remembered
        const Ledger::Publication& published = world.ledger().publication(publisher.number());
        for (const Viewer* viewer : viewers) {
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 35, .skew_max_ms = 1}), "");
            EXPECT_EQ(viewer->account().last()->place + 1, published.units);
        }
        EXPECT_EQ(world.held(), Machine::Held{});
    }
}

}   // namespace
}   // namespace millrace::sim
