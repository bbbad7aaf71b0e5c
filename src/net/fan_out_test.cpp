#include "net/fan_out_for_tests.hpp"

namespace millrace::net {
namespace {

TEST(FanOut, gives_a_newcomer_lead_and_resume_and_everything_from_the_newest_entrance) {
    FanOutWorld world;
    world.send('K', 30'000);
    world.send('V', 2000);
    world.send('K', 30'000);
    world.send('V', 2000);
    auto& place = world.join();
    world.time.settle();
    EXPECT_EQ(place.player->bytes(), world.all_since(2));
    world.send('V', 3000);
    EXPECT_EQ(place.player->bytes(), world.all_since(2));
    EXPECT_EQ(place.player->kinds(), "LRKVV");
    EXPECT_EQ(world.fan_out->counters().bytes_out, place.player->bytes().size());
}

TEST(FanOut, sends_the_lead_at_once_and_the_rest_when_there_is_an_entrance) {
    FanOutWorld world;
    world.send('V', 100);
    auto& place = world.join();
    world.time.settle();
    EXPECT_EQ(place.player->kinds(), "L");
    world.send('V', 100);
    EXPECT_EQ(place.player->kinds(), "L");
    world.send('K', 100);
    world.send('V', 100);
    EXPECT_EQ(place.player->bytes(), world.all_since(2));
}

TEST(FanOut, gives_all_viewers_the_same_bytes_within_the_window) {
    for (const std::size_t count : {1U, 63U, 64U, 127U, 511U, 512U, 1500U}) {
        FanOutWorld world;
        world.send('K', 3000);
        for (std::size_t i = 0; i < count; ++i) {
            world.join();
        }
        EXPECT_EQ(world.fan_out->viewers(), count);
        std::vector<Instant> published;
        for (int i = 0; i < 5; ++i) {
            published.push_back(world.time.now());
            world.send('V', 700);
            world.time.run_for(40ms);
        }
        const auto expected = world.all_since(0);
        std::size_t at_once = 0;
        for (const auto& place : world.places) {
            ASSERT_EQ(place->player->bytes(), expected);
            for (std::size_t i = 0; i < published.size(); ++i) {
                const Duration delay = place->player->messages()[3 + i].at - published[i];
                ASSERT_LE(delay, 33ms);
                at_once += delay == 0ms ? 1 : 0;
            }
        }
        if (count < 3 * Audience::slot_size_min) {
            EXPECT_EQ(at_once, 5 * count) << "the first two slots share a tick";
        } else {
            EXPECT_LT(at_once, 5 * count);
        }
        EXPECT_EQ(world.fan_out->counters().sends, count * 6) << "one write a viewer and flush";
    }
}

TEST(FanOut, sends_a_picture_at_once_and_sound_within_50_ms) {
    FanOutWorld world;
    auto& place = world.join();
    world.send('K', 1000);
    EXPECT_EQ(place.player->kinds(), "LRK");
    const Instant began = world.time.now();
    world.send('A', 100);
    world.time.run_for(10ms);
    world.send('A', 100);
    EXPECT_EQ(place.player->kinds(), "LRK");
    world.time.run_for(40ms);
    EXPECT_EQ(place.player->kinds(), "LRKAA");
    EXPECT_GT(place.player->messages().back().at - began, 40ms);
    world.send('A', 100);
    world.time.run_for(10ms);
    world.send('V', 100);
    EXPECT_EQ(place.player->kinds(), "LRKAAAV") << "sound rides along with a picture";
    EXPECT_EQ(world.fan_out->counters().sends, 4U);
}

TEST(FanOut, keeps_every_byte_in_order_through_a_window_of_one_byte) {
    FanOutWorld world;
    world.send('K', 500);
    auto& place = world.join({.window = 1, .one_byte_reads = true});
    for (int i = 0; i < 10; ++i) {
        world.send('V', 90);
    }
    world.time.run_for(1s);
    EXPECT_EQ(place.player->bytes(), world.all_since(0));
    EXPECT_FALSE(place.seat.left);
}

TEST(FanOut, serves_logs_apart) {
    FanOutWorld one;
    one.send('K', 500);
    auto& place = one.join();
    auto other = std::make_shared<LogView>();
    BlockLog other_log;
    SeatRecord record;
    auto [server, client] = virtual_connection(one.executor, one.executor);
    Player player{std::move(client), one.executor};
    one.fan_out->join(*other, {.connection = std::move(server),
                               .lead = {},
                               .back_channel = nullptr,
                               .seat = std::make_unique<TestSeat>(other, record, one.time)});
    other_log.mark_entrance({});
    other_log.append(Message{'K', 7, 10, {}}.bytes());
    other_log.end_message(one.time.now());
    other_log.request_flush();
    other->apply(other_log.take_change());
    one.send('V', 500);
    EXPECT_EQ(player.kinds(), "K");
    EXPECT_EQ(place.player->bytes(), one.all_since(0));
    player.say("nobody listens");
    one.time.settle();
    EXPECT_FALSE(record.left);
    one.fan_out.reset();
    EXPECT_EQ(record.left, Errc::cancelled);
    EXPECT_EQ(place.seat.left, Errc::cancelled);
    EXPECT_TRUE(record.destroyed);
}

TEST(FanOut, lets_private_bytes_out_at_once_when_the_viewer_is_up_to_date) {
    FanOutWorld world;
    world.send('K', 500);
    auto& place = world.join();
    world.time.settle();
    place.player->say("\x01");
    world.time.settle();
    EXPECT_EQ(place.player->kinds(), "LRKP");
    world.add('V', 100);
    world.publish(false);
    place.player->say("\x02");
    world.time.settle();
    EXPECT_EQ(place.player->kinds(), "LRKPPV") << "one write takes both";
    EXPECT_TRUE(place.player->whole());
}

TEST(FanOut, lets_private_bytes_out_while_the_viewer_waits_for_an_entrance) {
    FanOutWorld world;
    auto& place = world.join();
    place.player->say("\x01");
    world.time.settle();
    EXPECT_EQ(place.player->kinds(), "LP");
    world.send('K', 10);
    EXPECT_EQ(place.player->kinds(), "LPRK");
}

TEST(FanOut, never_puts_private_bytes_inside_a_message) {
    for (const std::size_t window : {1U, 7U, 100U, 1000U, 20'000U}) {
        FanOutWorld world;
        world.send('K', 40'000);
        auto& place = world.join({.window = window, .bytes_per_second = 200'000});
        for (int i = 0; i < 40; ++i) {
            world.send('V', static_cast<std::size_t>(100 + 37 * i));
            place.player->say("\x01");
            world.time.run_for(10ms);
        }
        world.time.run_for(5s);
        EXPECT_TRUE(place.player->whole());
        EXPECT_EQ(std::ranges::count(place.player->kinds(), 'P'), 40);
        EXPECT_EQ(std::ranges::count(place.player->kinds(), 'V'), 40);
        EXPECT_EQ(place.seat.counters.skips, 0U);
        EXPECT_FALSE(place.seat.left);
    }
}

TEST(FanOut, ends_a_viewer_that_asks_for_more_than_4_KB_it_does_not_read) {
    FanOutWorld world;
    world.send('K', 400'000);
    auto& place = world.join({.window = 1000});
    place.player->stop_reading();
    place.player->say(std::string(50, '\x04'));
    world.time.run_for(10ms);
    EXPECT_FALSE(place.seat.left);
    place.player->say(std::string(10, '\x04'));
    world.time.run_for(10ms);
    EXPECT_EQ(place.seat.left, Errc::exhausted);
}

TEST(FanOut, does_not_let_one_who_talks_a_lot_keep_others_waiting) {
    FanOutWorld world;
    world.send('K', 400);
    auto [server, client] = virtual_connection(world.executor, world.executor, {}, {.one_byte_reads = true});
    FanOutWorld::Place& place = *world.places.emplace_back(std::make_unique<FanOutWorld::Place>());
    place.player = std::make_unique<Player>(std::move(client), world.executor);
    world.join(place, std::move(server));
    world.time.settle();
    place.player->say(std::string(9, '\x00'));
    world.time.settle();
    EXPECT_EQ(place.player->kinds(), "LRK" + std::string(9, 'P'));
    EXPECT_EQ(world.fan_out->counters().sends, 4U) << "four reads a wake, and one answer to them";
}

TEST(FanOut, shares_viewers_out_anew_when_many_came_or_left) {
    FanOutWorld world;
    world.send('K', 400);
    for (int i = 0; i < 400; ++i) {
        world.join();
    }
    world.time.settle();
    for (std::size_t i = 0; i < 390; ++i) {
        world.places[i]->connection->close();
        if (i % 50 == 0) {
            world.send('V', 100);   // due while they leave
        }
    }
    world.time.run_for(40ms);
    EXPECT_EQ(world.fan_out->viewers(), 10U);
    world.send('V', 100);
    for (std::size_t i = 390; i < 400; ++i) {
        ASSERT_EQ(world.places[i]->player->bytes(), world.all_since(0)) << "one slot again: at once";
    }
}

}   // namespace
}   // namespace millrace::net
