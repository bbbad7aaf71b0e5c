#include "sim/flv_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"
#include "sim/seeds.hpp"
#include "sim/verdict.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <unordered_set>

namespace millrace::sim {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MILLRACE_SIM_SLOW
#endif
#endif
#ifdef MILLRACE_SIM_SLOW
constexpr int worlds = 2;
#else
constexpr int worlds = 10;
#endif
constexpr int cycles_a_world = 500;
constexpr std::size_t seats = 20;

/// A publisher that comes and goes, before an audience that comes and goes.
class Flapping {
public:
    explicit Flapping(std::uint64_t seed)
        : world_{seed, {.workers = 3, .grace = 1s}}, chance_{world_.chance()} {}

    void run() {
        for (int i = 0; i < cycles_a_world; ++i) {
            fill_seats();
            cycle();
        }
        world_.run_for(60s);   // the last silent one is given up after 30 s
    }
    void judge() {
        std::unordered_set<std::uint32_t> seen;
        std::uint64_t units = 0;
        for (const Viewer* viewer : viewers_) {
            const Account& account = viewer->account();
            EXPECT_EQ(verdict_of(account, {.units_min = 0, .times_unchanged = false}), "");
            EXPECT_FALSE(viewer->playing() || viewer->state() == Viewer::State::joining);
            seen.insert(account.publications().begin(), account.publications().end());
            units += account.units();
        }
        EXPECT_GT(viewers_.size(), seats * cycles_a_world / 8);
        EXPECT_GT(seen.size(), cycles_a_world * 7U / 10);
        EXPECT_GT(units, 20U * cycles_a_world);
        EXPECT_GT(std::ranges::count_if(publishers_, &Publisher::was_live), cycles_a_world * 9 / 10);
        for (const Publisher* publisher : publishers_) {
            EXPECT_TRUE(publisher->state() == Publisher::State::ended ||
                        publisher->state() == Publisher::State::refused);
        }
        EXPECT_EQ(world_.held(), Machine::Held{});
    }

private:
    Link short_link() { return {.up = short_direction(), .down = short_direction(), .worker = {}}; }
    VirtualLink short_direction() { return {.delay = between(chance_, 0ms, 60ms)}; }

    void cycle() {
        constexpr std::array ends{Publisher::End::closed, Publisher::End::said};
        Publisher::Plan plan{.camera = {.picture_ms = 80, .key_interval = 1 + chance_.below(25)},
                             .length = between(chance_, 100ms, 3s),
                             .end = ends.at(chance_.below(2)),
                             .link = chance_.below(20) == 0 ? any_link(chance_) : short_link()};
        if (chance_.below(40) == 0) {
            plan.end = Publisher::End::silent;
        }
        // Mostly back at once, or even before the server noticed; sometimes after grace.
        const Duration away =
            chance_.below(10) == 0 ? between(chance_, 900ms, 2s) : between(chance_, 0ms, 300ms);
        const Publisher& publisher = world_.add<Publisher>(std::move(plan));
        publishers_.push_back(&publisher);
        while (publisher.state() == Publisher::State::joining ||
               publisher.state() == Publisher::State::live) {
            world_.run_for(10ms);
        }
        world_.run_for(away);
    }
    void fill_seats() {
        seats_.resize(seats);
        for (const Viewer*& seat : seats_) {
            const bool taken =
                seat != nullptr && (seat->playing() || seat->state() == Viewer::State::joining);
            if (taken || chance_.below(2) == 0) {
                continue;
            }
            const ViewerPlan plan{
                .after = between(chance_, 0ms, 3s),
                .stay = chance_.below(4) == 0 ? std::nullopt : std::optional{between(chance_, 0ms, 6s)},
                .link = short_link()};
            if (chance_.below(2) == 0) {
                seat = &watch_flv(world_, plan);
            } else {
                seat = &watch_rtmp(world_, plan);
            }
            viewers_.push_back(seat);
        }
    }

    World world_;
    Random& chance_;
    std::vector<const Viewer*> seats_;
    std::vector<const Viewer*> viewers_;
    std::vector<const Publisher*> publishers_;
};

TEST(Flapping, f18_publishers_come_and_go_5000_times_and_every_viewer_goes_on_or_gets_an_end) {
    for (const std::uint64_t seed : seeds(worlds)) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Flapping flapping{seed};
        flapping.run();
        flapping.judge();
    }
}

}   // namespace
}   // namespace millrace::sim
