#include "net/fan_out_for_tests.hpp"

namespace millrace::net {
namespace {

/// A connection that, like TLS, makes a record of what a blocked write began with, and insists on getting
/// the same bytes again.
class HoldingConnection final : public Connection {
public:
    HoldingConnection(std::unique_ptr<Connection> below, std::size_t record)
        : below_{std::move(below)}, record_{record} {}

    Result<std::size_t> try_read(std::span<std::byte> into) override { return below_->try_read(into); }
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override {
        std::size_t done = 0;
        for (;;) {
            std::vector<std::byte> next = beginning(slices, done);
            EXPECT_GE(next.size(), held_.size());
            EXPECT_TRUE(std::equal(held_.begin(), held_.end(), next.begin())) << "not what it began with";
            if (held_.empty()) {
                held_ = std::move(next);
            }
            const ByteSpan left = std::span{held_}.subspan(sent_);
            const auto sent = left.empty() ? Result<std::size_t>{0} : below_->try_write({&left, 1});
            if (!sent && sent.error().code != Errc::would_block) {
                return sent;
            }
            sent_ += sent.value_or(0);
            if (held_.empty() || sent_ < held_.size()) {
                return done > 0 ? Result<std::size_t>{done} : fail(Errc::would_block, "a record waits");
            }
            done += held_.size();
            held_.clear();
            sent_ = 0;
        }
    }
    void wait_readable(Waiter* waiter) override { below_->wait_readable(waiter); }
    void wait_writable(Waiter* waiter) override { below_->wait_writable(waiter); }
    void close() override { below_->close(); }
    const Endpoint& peer() const override { return below_->peer(); }
    const Endpoint& local() const override { return below_->local(); }
    bool encrypted() const override { return true; }

private:
    /// A record's worth of the slices after the first `skip` bytes.
    std::vector<std::byte> beginning(std::span<const ByteSpan> slices, std::size_t skip) const {
        std::vector<std::byte> bytes;
        for (ByteSpan slice : slices) {
            slice = slice.subspan(
                std::min(std::exchange(skip, skip - std::min(skip, slice.size())), slice.size()));
            slice = slice.first(std::min(slice.size(), record_ - bytes.size()));
            bytes.insert(bytes.end(), slice.begin(), slice.end());
        }
        return bytes;
    }

    std::unique_ptr<Connection> below_;
    std::size_t record_;
    std::vector<std::byte> held_;
    std::size_t sent_ = 0;
};

/// A viewer that was there from the first picture leaves: those that it was sent it has, and the others are
/// counted as skipped or as waiting.
void expect_pictures_agree(FanOutWorld& world, FanOutWorld::Place& place) {
    const std::string kinds = place.player->kinds();
    const auto has = std::ranges::count(kinds, 'K') + std::ranges::count(kinds, 'V');
    place.connection->close();
    world.time.run_for(1ms);
    ASSERT_TRUE(place.seat.left.has_value());
    const Seat::Counters& counters = place.seat.counters;
    const std::uint64_t count = world.view->pictures_until(counters.place);
    const std::uint64_t head = world.view->pictures_until(world.view->head());
    EXPECT_EQ(counters.pictures.sent(count), static_cast<std::uint64_t>(has));
    EXPECT_EQ(
        counters.pictures.sent(count) + counters.pictures.skipped() + counters.pictures.waiting(count, head),
        head);
}

TEST(FanOut, row_1_34_counts_the_pictures_that_a_viewer_was_sent_and_those_that_it_was_not) {
    FanOutWorld world;
    auto& fast = world.join();
    auto& stalled = world.join({.window = 100'000, .bytes_per_second = 1'000'000});
    world.send('K', 2'000'000);
    stalled.player->stop_reading();
    for (int i = 0; i < 12; ++i) {
        world.second(4'000'000);
    }
    EXPECT_GT(world.view->tail(), 2'000'000U) << "what it has begun is forgotten";
    stalled.player->read_again();
    for (int i = 0; i < 12; ++i) {
        world.second();
    }
    world.time.run_for(10s);
    ASSERT_FALSE(stalled.seat.left);
    expect_pictures_agree(world, stalled);
    EXPECT_GT(stalled.seat.counters.pictures.skipped(), 100U);
    expect_pictures_agree(world, fast);
    EXPECT_EQ(fast.seat.counters.pictures.skipped(), 0U);
}

TEST(FanOut, f17_skips_a_viewer_at_a_tenth_of_the_rate_to_entrances_in_whole_messages) {
    FanOutWorld world;
    auto& slow = world.join({.window = 10'000, .bytes_per_second = 6'000});
    auto& fast = world.join();
    for (int i = 0; i < 40; ++i) {
        world.second();
    }
    EXPECT_EQ(fast.player->bytes(), world.all_since(0));
    EXPECT_FALSE(slow.seat.left);
    slow.connection->close();
    world.time.run_for(1ms);
    EXPECT_GE(slow.seat.counters.skips, 3U);
    EXPECT_GT(slow.seat.counters.bytes_skipped, 1'000'000U);
    EXPECT_EQ(world.fan_out->counters().skips, slow.seat.counters.skips);
    world.time.run_for(10s);
    const std::string kinds = slow.player->kinds();
    EXPECT_EQ(std::ranges::count(kinds, 'R'), slow.seat.counters.skips + 1);
    for (const Message& message : slow.player->messages()) {
        if (message.kind == 'K') {
            EXPECT_LE(message.number % 25, 0U);
        }
    }
}

TEST(FanOut, shows_a_slow_viewer_what_is_new) {
    FanOutWorld world;
    auto& slow = world.join({.window = 5'000, .bytes_per_second = 6'000});
    for (int i = 0; i < 60; ++i) {
        world.second();
    }
    expect_skips_only_at_entrances(*slow.player);
    const std::uint64_t newest = slow.player->messages().back().number;
    EXPECT_GT(newest, world.next - 25 * 6) << "not more than lag and a group behind";
}

TEST(FanOut, f17_gives_a_stalled_viewer_up_after_15_s_and_serves_the_others_as_before) {
    FanOutWorld world;
    world.second();
    std::vector<FanOutWorld::Place*> stalled;
    std::vector<FanOutWorld::Place*> ready;
    for (int i = 0; i < 20; ++i) {
        ready.push_back(&world.join());
        stalled.push_back(&world.join({.window = 20'000}));
        stalled.back()->player->stop_reading();
    }
    const Instant began = world.time.now();
    for (int i = 0; i < 17; ++i) {
        world.second();
    }
    EXPECT_EQ(world.fan_out->viewers(), 20U);
    EXPECT_EQ(world.fan_out->counters().timed_out, 20U);
    for (const auto* place : stalled) {
        ASSERT_EQ(place->seat.left, Errc::timed_out);
        EXPECT_TRUE(place->seat.counters.blocked);
        EXPECT_GE(place->seat.at - began, 15s);
        EXPECT_LE(place->seat.at - began, 15s + 200ms) << "since its link took the last byte";
    }
    const auto expected = world.all_since(0);
    for (const auto* place : ready) {
        ASSERT_EQ(place->player->bytes(), expected);
        for (const Message& message : place->player->messages()) {
            if (message.kind == 'V' && message.number >= 25) {
                ASSERT_EQ((message.at - Instant{}) % 40ms, 0ms) << "at once";
            }
        }
    }
}

TEST(FanOut, f17_serves_a_viewer_that_stalled_for_14_s_again_from_an_entrance) {
    FanOutWorld world;
    auto& place = world.join({.window = 20'000});
    world.second();
    place.player->stop_reading();
    for (int i = 0; i < 14; ++i) {
        world.second();
    }
    EXPECT_FALSE(place.seat.left);
    place.player->read_again();
    world.second();
    world.second();
    expect_skips_only_at_entrances(*place.player);
    EXPECT_EQ(place.player->messages().back().number, world.next - 1);
    EXPECT_EQ(std::ranges::count(place.player->kinds(), 'R'), 2);
}

TEST(FanOut, finishes_a_message_the_log_has_forgotten_before_it_skips) {
    FanOutWorld world;
    auto& place = world.join({.window = 100'000, .bytes_per_second = 1'000'000});
    world.send('K', 2'000'000);
    place.player->stop_reading();
    for (int i = 0; i < 12; ++i) {
        world.second(4'000'000);
    }
    EXPECT_GT(world.view->tail(), 2'000'000U);
    EXPECT_FALSE(place.seat.left);
    place.player->read_again();
    for (int i = 0; i < 12; ++i) {
        world.second();
    }
    expect_skips_only_at_entrances(*place.player);
    EXPECT_EQ(place.player->messages()[2].size, 2'000'000U);
    EXPECT_EQ(place.player->messages().back().number, world.next - 1);
    EXPECT_EQ(place.seat.left, std::nullopt);
}

TEST(FanOut, bounds_what_is_kept_for_a_viewer_in_time) {
    FanOutWorld world;
    auto& place = world.join({.window = 1'000, .bytes_per_second = 1'000});
    world.send('K', 2'000'000);
    for (int i = 0; i < 40 && !place.seat.left; ++i) {
        world.second();
    }
    EXPECT_EQ(place.seat.left, Errc::timed_out) << "it took bytes all the time";
    EXPECT_LT(place.seat.at - Instant{}, 3s + 1s + 15s + 200ms);
}

TEST(FanOut, bounds_what_is_kept_for_a_viewer_in_size) {
    FanOutWorld world;
    auto& place = world.join({.window = 10'000});
    place.player->stop_reading();
    world.send('K', 5'000'000);
    for (int i = 0; i < 5; ++i) {
        world.second();
    }
    EXPECT_EQ(place.seat.left, Errc::exhausted);
}

TEST(FanOut, goes_on_where_a_lagging_viewer_is_when_no_newer_entrance_is_fresh) {
    FanOutWorld world;
    world.send('K', 8000);
    auto& place = world.join({.window = 10'000});
    place.player->stop_reading();
    for (int i = 0; i < 150; ++i) {   // six seconds in one group
        world.send('V', 2000);
        world.time.run_for(40ms);
    }
    place.player->read_again();
    world.time.run_for(1s);
    EXPECT_EQ(place.player->bytes(), world.all_since(0));
    EXPECT_EQ(world.fan_out->counters().skips, 0U);
}

TEST(FanOut, lets_a_lapped_viewer_wait_when_there_is_no_entrance) {
    FanOutWorld world;
    world.send('K', 8000);
    auto& place = world.join({.window = 5'000});
    place.player->stop_reading();
    for (int i = 0; i < 300; ++i) {   // the log keeps ten seconds, and so forgets the key picture
        world.send('V', 2000);
        world.time.run_for(40ms);
    }
    EXPECT_EQ(world.view->newest_entrance(), nullptr);
    place.player->read_again();
    world.time.run_for(1s);
    EXPECT_TRUE(place.player->whole());
    const std::size_t before = place.player->messages().size();
    world.send('V', 2000);
    EXPECT_EQ(place.player->messages().size(), before);
    world.send('K', 2000);
    world.send('V', 2000);
    EXPECT_EQ(place.player->kinds().substr(before), "RKV");
    expect_skips_only_at_entrances(*place.player);
    EXPECT_EQ(world.fan_out->counters().skips, 1U);
}

TEST(FanOut, serves_a_viewer_that_was_only_late_before_the_log_forgets) {
    // More comes in one change than the log keeps: nobody was slow, so nobody loses anything.
    FanOutWorld world{{.bytes_max = 100'000}};
    world.send('K', 1000);
    auto& ready = world.join({.window = 10'000'000});
    auto& narrow = world.join({.window = 50'000});
    world.time.settle();
    for (int i = 0; i < 100; ++i) {
        world.add(i == 50 ? 'K' : 'V', 10'000);
    }
    world.publish();
    world.time.run_for(1s);
    EXPECT_EQ(ready.player->bytes(), world.all_since(0));
    expect_skips_only_at_entrances(*narrow.player);
    EXPECT_FALSE(narrow.seat.left);
}

TEST(FanOut, begins_a_blocked_write_again_with_the_same_bytes_whatever_comes_between) {
    std::size_t served_to_the_end = 0;
    for (std::uint64_t seed = 0; seed < 16; ++seed) {
        FanOutWorld world;
        SeededRandom random{seed};
        FanOutWorld::Place& place = *world.places.emplace_back(std::make_unique<FanOutWorld::Place>());
        const VirtualLink link{.window = 1 + random.below(seed % 2 == 0 ? 1000 : 30'000),
                               .bytes_per_second = 500 + random.below(50'000)};
        auto [server, client] = virtual_connection(world.executor, world.executor, link, {});
        place.player = std::make_unique<Player>(std::move(client), world.executor);
        const std::size_t record = 1 + random.below(Connection::held_max);
        world.join(place, std::make_unique<HoldingConnection>(std::move(server), record));
        for (int i = 0; i < 400 && !place.seat.left; ++i) {
            const bool sound = random.below(3) == 0;
            world.send(sound ? 'A' : i % 30 == 0 ? 'K' : 'V', random.below(i % 30 == 0 ? 60'000 : 4000));
            if (random.below(40) == 0) {
                place.player->say("\x02");
            }
            if (random.below(100) == 0) {
                place.player->stop_reading();
            } else if (random.below(20) == 0) {
                place.player->read_again();
            }
            world.time.run_for(Duration{random.below(60'000'000)});
        }
        place.player->read_again();
        world.log.end();
        world.publish();
        for (int i = 0; i < 600 && !place.seat.left; ++i) {
            world.time.run_for(10s);
        }
        expect_skips_only_at_entrances(*place.player);
        EXPECT_TRUE(place.seat.left);
        if (place.seat.left == Errc::closed) {
            ++served_to_the_end;
            world.time.run_for(600s);
            ASSERT_EQ(place.player->messages().back().number, world.next - 1) << seed;
        }
    }
    EXPECT_GT(served_to_the_end, 6U);
}

}   // namespace
}   // namespace millrace::net
