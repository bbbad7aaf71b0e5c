#include "sim/world.hpp"

#include "container/flv_body.hpp"
#include "container/flv_samples.hpp"
#include "sim/flv_viewer.hpp"
#include "sim/hls_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

/// A bit of everything: publishers that follow each other, viewers that come and go over any link.
void fill_with_life(World& world) {
    Random& chance = world.chance();
    for (int i = 0; i < 4; ++i) {
        world.add<Publisher>(Publisher::Plan{.after = i * 2s,
                                             .length = between(chance, 100ms, 3s),
                                             .end = static_cast<Publisher::End>(chance.below(3)),
                                             .link = any_link(chance)});
    }
    for (int i = 0; i < 12; ++i) {
        const ViewerPlan plan{
            .after = between(chance, 0ms, 8s),
            .stay = between(chance, 100ms, 5s),
            .stops_after = chance.below(4) == 0 ? std::optional<Duration>{1s} : std::nullopt,
            .link = any_link(chance)};
        switch (i % 4) {
            case 0: watch_flv(world, plan); break;
            case 1: watch_rtmp(world, plan); break;
            case 2: watch_hls(world, plan, HlsViewer::Form::ts); break;
            default: watch_hls(world, plan, HlsViewer::Form::cmaf); break;
        }
    }
}

struct Outcome {
    std::uint64_t trace;
    std::uint64_t bytes;
    bool operator==(const Outcome&) const = default;
};

Outcome run(std::uint64_t seed) {
    World world{seed, {.workers = 3, .grace = 1s}};
    fill_with_life(world);
    world.run_for(9s);
    world.stop_server();
    world.run_for(2s);
    return {world.trace().value(), world.trace().bytes()};
}

TEST(World, two_runs_of_a_seed_leave_the_same_trace_and_other_seeds_others) {
    std::vector<Outcome> outcomes;
    for (const std::uint64_t seed : seeds(30)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        const Outcome outcome = run(seed);
        EXPECT_GT(outcome.bytes, 10'000U);
        EXPECT_EQ(outcome, run(seed));
        for (const Outcome& earlier : outcomes) {
            EXPECT_NE(outcome.trace, earlier.trace);
        }
        outcomes.push_back(outcome);
    }
}

TEST(World, a_stop_of_the_server_in_the_middle_of_everything_ends_every_conversation) {
    for (const std::uint64_t seed : seeds(60)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        World world{seed, {.workers = 1 + seed % 3, .grace = 2s}};
        const Publisher& publisher =
            world.add<Publisher>(Publisher::Plan{.length = 1h, .end = Publisher::End::silent});
        const Viewer& flv = watch_flv(world, {.after = between(world.chance(), 0ms, 2s)});
        const Viewer& rtmp = watch_rtmp(world, {.after = between(world.chance(), 0ms, 2s)});
        const Viewer& hls = watch_hls(world, {.after = between(world.chance(), 0ms, 2s)});
        fill_with_life(world);
        world.run_for(between(world.chance(), 0ms, 6s));
        world.stop_server();
        world.run_for(2s);
        EXPECT_EQ(publisher.state(), Publisher::State::ended);
        for (const Viewer* viewer : {&flv, &rtmp, &hls}) {
            EXPECT_FALSE(viewer->playing());
            EXPECT_EQ(verdict_of(viewer->account(), {.units_min = 0, .times_unchanged = false}), "");
        }
    }
}

TEST(World, goes_away_in_the_middle_of_everything) {
    for (const std::uint64_t seed : seeds(60)) {
        World world{seed};
        fill_with_life(world);
        world.run_for(between(world.chance(), 0ms, 9s));
    }
}

TEST(World, its_oracle_finds_each_fault_planted_between_ledger_and_wire) {
    using Fault = Publisher::Fault;
    for (const Fault fault :
         {Fault::none, Fault::loses, Fault::flips_a_bit, Fault::repeats, Fault::shifts_time, Fault::swaps}) {
        SCOPED_TRACE(static_cast<int>(fault));
        World world{3};
        world.add<Publisher>(Publisher::Plan{.fault = fault});
        const Viewer& flv = watch_flv(world, {.after = 200ms});
        const Viewer& rtmp = watch_rtmp(world, {.after = 200ms});
        const Viewer& ts = watch_hls(world, {.after = 200ms}, HlsViewer::Form::ts);
        const Viewer& cmaf = watch_hls(world, {.after = 200ms}, HlsViewer::Form::cmaf);
        world.run_for(20s);
        EXPECT_EQ(verdict_of(flv.account(), {.units_min = 100}).empty(), fault == Fault::none);
        EXPECT_EQ(verdict_of(rtmp.account(), {.units_min = 100}).empty(), fault == Fault::none);
        EXPECT_EQ(verdict_of(ts.account(), {.units_min = 100}).empty(), fault == Fault::none);
        EXPECT_EQ(verdict_of(cmaf.account(), {.units_min = 100}).empty(), fault == Fault::none);
    }
}

TEST(World, its_oracle_finds_two_mixed_publishers) {
    World world{3};
    Ledger ledger;
    Camera one{{}, ledger.new_publication("cam")};
    Camera two{{}, ledger.new_publication("cam")};
    Account account{ledger, "cam"};
    const auto take = [&](Camera& camera, std::uint32_t publication, std::int64_t dts_ms) {
        Shot shot = camera.next();
        while (!shot.coded || shot.type != flv::TagType::video) {
            shot = camera.next();
        }
        ledger.write(publication, shot, Instant{});
        flv::TagReader reader;
        const media::Track track = flv::samples::track(media::Codec::h264);
        const Bytes header{flv::sequence_header_body(*track.config)};
        ASSERT_TRUE(reader.read(flv::TagType::video, 0, header));
        const auto item = reader.read(flv::TagType::video, static_cast<std::uint32_t>(dts_ms), shot.body);
        ASSERT_TRUE(item && *item);
        account.take(std::get<media::AccessUnit>(**item), Instant{});
    };
    take(one, 1, 0);
    take(one, 1, 40);
    take(two, 2, 80);
    EXPECT_TRUE(account.faults().empty());
    take(one, 1, 120);
    EXPECT_FALSE(account.faults().empty());
}

}   // namespace
}   // namespace millrace::sim
