#include "net/fan_out_for_tests.hpp"

namespace millrace::net {
namespace {

TEST(FanOut, lets_a_viewer_go_that_hangs_up_or_says_stop_or_is_kicked) {
    FanOutWorld world;
    world.send('K', 400);
    auto& hangs_up = world.join();
    auto& stops = world.join();
    auto& kicked = world.join();
    auto& stays = world.join();
    world.time.settle();
    hangs_up.player->hang_up();
    stops.player->say("x");
    kicked.connection->close();
    world.time.settle();
    EXPECT_EQ(hangs_up.seat.left, Errc::closed);
    EXPECT_EQ(stops.seat.left, Errc::closed);
    EXPECT_EQ(kicked.seat.left, Errc::cancelled);
    EXPECT_TRUE(kicked.seat.destroyed);
    EXPECT_EQ(world.fan_out->viewers(), 1U);
    world.send('V', 400);
    EXPECT_EQ(stays.player->bytes(), world.all_since(0));
}

TEST(FanOut, lets_a_viewers_last_words_out_at_a_message_end_and_then_nothing_more) {
    for (const std::size_t window : {1U, 7U, 1000U, 100'000U}) {
        FanOutWorld world;
        world.send('K', 20'000);
        auto& place = world.join({.window = window, .bytes_per_second = 200'000});
        world.time.run_for(10ms);
        place.player->say(
            "\x01"
            "b"
            "\x01");
        for (int i = 0; i < 20; ++i) {
            world.send('V', 500);
            world.time.run_for(20ms);
        }
        EXPECT_TRUE(place.player->whole());
        EXPECT_TRUE(place.player->kinds().ends_with("PP")) << place.player->kinds();
        EXPECT_EQ(std::ranges::count(place.player->kinds(), 'P'), 2);
        EXPECT_EQ(std::ranges::count(place.player->kinds(), 'K'), 1);
        EXPECT_EQ(place.seat.left, Errc::malformed) << "the back channel's reason";
        EXPECT_TRUE(place.player->ended());
    }
}

TEST(FanOut, lets_last_words_out_without_an_entrance_and_gives_up_who_does_not_take_them) {
    FanOutWorld world;
    auto& waits = world.join();
    waits.player->say("b");
    world.time.settle();
    EXPECT_EQ(waits.player->kinds(), "LP");
    EXPECT_EQ(waits.seat.left, Errc::malformed);

    world.send('K', 20'000);
    auto& stalls = world.join({.window = 1000});
    stalls.player->stop_reading();
    stalls.player->say("b");
    world.time.run_for(14s);
    EXPECT_FALSE(stalls.seat.left);
    world.time.run_for(3s);
    EXPECT_TRUE(stalls.seat.left);
}

TEST(FanOut, survives_viewers_that_break_off_inside_a_flush) {
    FanOutWorld world;
    world.send('K', 400);
    for (int i = 0; i < 300; ++i) {
        world.join();
    }
    world.time.settle();
    // Two of three ends go without a word: only the next write tells.
    for (std::size_t i = 0; i < world.places.size(); ++i) {
        if (i % 3 != 0) {
            world.places[i]->player.reset();
        }
    }
    world.send('V', 400);
    world.time.run_for(40ms);
    EXPECT_EQ(world.fan_out->viewers(), 100U);
    for (std::size_t i = 0; i < world.places.size(); i += 3) {
        ASSERT_EQ(world.places[i]->player->bytes(), world.all_since(0));
    }
}

TEST(FanOut, gives_everything_up_to_the_end_and_then_closes) {
    FanOutWorld world;
    world.send('K', 400);
    auto& ready = world.join();
    auto& slow = world.join({.window = 1000, .bytes_per_second = 50'000});
    auto& stalled = world.join({.window = 1000});
    stalled.player->stop_reading();
    world.time.run_for(100ms);
    world.add('V', 100'000);
    world.log.end();
    world.publish();
    auto& late = world.join();
    world.time.settle();
    for (const auto* place : {&ready, &late}) {
        EXPECT_EQ(place->seat.left, Errc::closed);
        EXPECT_EQ(place->player->bytes(), world.all_since(0));
        EXPECT_TRUE(place->player->ended());
    }
    EXPECT_FALSE(slow.seat.left);
    world.time.run_for(3s);
    EXPECT_EQ(slow.player->bytes(), world.all_since(0));
    EXPECT_EQ(slow.seat.left, Errc::closed);
    EXPECT_FALSE(stalled.seat.left);
    world.time.run_for(13s);
    EXPECT_EQ(stalled.seat.left, Errc::timed_out);
}

TEST(FanOut, ends_one_who_waits_for_an_entrance_that_never_comes) {
    FanOutWorld world;
    auto& place = world.join();
    world.log.end();
    world.publish();
    world.time.settle();
    EXPECT_EQ(place.seat.left, Errc::closed);
    EXPECT_EQ(place.player->kinds(), "L");
}

TEST(FanOut, takes_a_log_up_again_after_its_last_viewer_left) {
    FanOutWorld world;
    world.send('K', 400);
    auto& first = world.join();
    world.time.settle();
    first.connection->close();
    world.time.settle();
    EXPECT_EQ(first.seat.left, Errc::cancelled);
    world.send('K', 400);   // nobody listens
    auto& second = world.join();
    world.send('V', 400);
    EXPECT_EQ(second.player->bytes(), world.all_since(1));
}

TEST(FanOut, may_be_joined_from_a_seat_that_is_left) {
    FanOutWorld world;
    world.send('K', 400);
    auto& first = world.join();
    first.seat.on_leave = [&] { world.join(); };
    world.time.settle();
    first.connection->close();
    world.time.settle();
    EXPECT_EQ(world.fan_out->viewers(), 1U);
    world.send('V', 400);
    EXPECT_EQ(world.places.back()->player->bytes(), world.all_since(0));
}

TEST(FanOut, lets_the_last_seat_destroy_the_log_even_when_it_left_during_a_flush) {
    FanOutWorld world;
    world.send('K', 400);
    for (int i = 0; i < 3; ++i) {
        world.join();
    }
    world.time.settle();
    for (const auto& place : world.places) {
        place->player.reset();
    }
    const std::weak_ptr<LogView> view = world.view;
    LogView& seen = *world.view;
    world.view.reset();
    world.add('V', 400);
    world.log.request_flush();
    world.log.end();
    seen.apply(world.log.take_change());   // every write fails in here
    EXPECT_FALSE(view.expired());
    world.time.settle();
    EXPECT_TRUE(view.expired());
    EXPECT_EQ(world.fan_out->viewers(), 0U);
}

}   // namespace
}   // namespace millrace::net
