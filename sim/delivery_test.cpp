#include "sim/flv_viewer.hpp"
#include "sim/publisher.hpp"
#include "sim/rtmp_viewer.hpp"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

/// No fault, nothing missing, and it was not empty.
void expect_exact(const Viewer& viewer, std::uint64_t units_min) {
    const Account& account = viewer.account();
    EXPECT_TRUE(account.faults().empty()) << account.faults().front();
    EXPECT_EQ(account.missing(), 0U);
    EXPECT_EQ(account.moved(), 0U);
    EXPECT_LE(account.skew_max_ms(), 1);
    EXPECT_GE(account.units(), units_min);
}

TEST(Delivery, over_a_plain_link_every_unit_comes_once_in_order_at_its_time) {
    World world{1};
    const Publisher& publisher = world.add<Publisher>(Publisher::Plan{});
    const Viewer& flv = watch_flv(world, {.after = 1s, .stay = {}, .stops_after = {}, .link = {}});
    const Viewer& rtmp = watch_rtmp(world, {.after = 1s, .stay = {}, .stops_after = {}, .link = {}});
    world.run_for(4s);
    EXPECT_EQ(publisher.state(), Publisher::State::live);
    EXPECT_TRUE(flv.playing());
    EXPECT_TRUE(rtmp.playing());
    world.run_for(20s);
    EXPECT_EQ(publisher.state(), Publisher::State::ended);
    EXPECT_EQ(flv.state(), Viewer::State::ended);
    EXPECT_EQ(rtmp.state(), Viewer::State::ended);
    EXPECT_TRUE(rtmp.told_end());
    expect_exact(flv, 150);
    expect_exact(rtmp, 150);
    EXPECT_EQ(world.held(), World::Held{});
}

}   // namespace
}   // namespace millrace::sim
