#include "net/fan_out_for_tests.hpp"

// Logs of pictures that stand alone, as MJPEG is: who lags skips pictures instead of being shown old ones.

namespace millrace::net {
namespace {

struct PictureWorld : FanOutWorld {
    PictureWorld() { log.prefer_newest(); }
    /// A second of 25 pictures that all are entrances.
    void pictures(std::size_t size = 20'000) {
        for (int i = 0; i < 25; ++i) {
            send('K', size);
            time.run_for(40ms);
        }
    }
};

TEST(FanOutNewest, case_71_a_viewer_on_a_thin_link_gets_fewer_whole_pictures_and_new_ones) {
    PictureWorld world;
    // A fifth of what is made; the link holds little more than one picture.
    auto& slow = world.join({.window = 30'000, .bytes_per_second = 100'000});
    auto& fast = world.join();
    for (int i = 0; i < 20; ++i) {
        world.pictures();
        const std::uint64_t newest = slow.player->messages().back().number;
        EXPECT_GE(newest + 20, world.next) << "never more than it takes to bring two pictures";
    }
    expect_skips_only_at_entrances(*slow.player);
    const auto shown = std::ranges::count(slow.player->kinds(), 'K');
    EXPECT_GE(shown, 80) << "its link carries five a second, and is used";
    EXPECT_LE(shown, 110);
    EXPECT_EQ(std::ranges::count(fast.player->kinds(), 'K'), 500) << "nobody else loses any (row 3.27)";
    EXPECT_EQ(fast.seat.counters.skips, 0U);
    EXPECT_FALSE(slow.seat.left);
}

TEST(FanOutNewest, case_71_a_viewer_that_stops_reading_leaves_after_15_s_and_nobody_else_notices) {
    PictureWorld world;
    auto& stalled = world.join({.window = 30'000});
    auto& ready = world.join();
    stalled.player->stop_reading();
    const Instant began = world.time.now();
    for (int i = 0; i < 17; ++i) {
        world.pictures();
    }
    ASSERT_EQ(stalled.seat.left, Errc::timed_out);
    EXPECT_LE(stalled.seat.at - began, 15s + 300ms);
    EXPECT_EQ(ready.player->bytes(), world.all_since(0));
}

TEST(FanOutNewest, a_viewer_that_reads_again_is_shown_the_newest_picture_next) {
    PictureWorld world;
    auto& place = world.join({.window = 30'000});
    world.pictures();
    place.player->stop_reading();
    for (int i = 0; i < 5; ++i) {
        world.pictures();
    }
    place.player->read_again();
    world.time.run_for(1ms);
    expect_skips_only_at_entrances(*place.player);
    EXPECT_EQ(place.player->messages().back().number, world.next - 1);
    EXPECT_GT(place.seat.counters.bytes_skipped + world.fan_out->counters().skips, 0U);
}

TEST(FanOutNewest, one_picture_behind_is_not_slow) {
    PictureWorld world;
    // Each picture takes 30 of its 40 ms: every write is cut, and none is skipped.
    auto& place = world.join({.window = 10'000, .bytes_per_second = 700'000});
    for (int i = 0; i < 10; ++i) {
        world.pictures();
    }
    world.time.run_for(1s);
    EXPECT_EQ(place.player->bytes(), world.all_since(0));
    EXPECT_EQ(world.fan_out->counters().skips, 0U);
}

}   // namespace
}   // namespace millrace::net
