#include "net/fan_out_window.hpp"

#include "net/fan_out_for_tests.hpp"
#include "net/fan_out_ring.hpp"
#include "net/fan_out_slab.hpp"

namespace millrace::net {
namespace {

TEST(WindowPolicy, grows_at_once_to_the_step_the_load_asks_for) {
    struct Case {
        double load;
        Duration window;
    };
    for (const Case& c : {Case{0.0, 33ms}, Case{0.60, 33ms}, Case{0.61, 50ms}, Case{0.71, 100ms},
                          Case{0.81, 350ms}, Case{1.0, 350ms}}) {
        WindowPolicy policy;
        policy.review(c.load);
        EXPECT_EQ(policy.window(), c.window) << c.load;
    }
}

TEST(WindowPolicy, shrinks_by_a_step_when_the_load_there_would_stay_low) {
    WindowPolicy policy;
    policy.review(0.9);
    policy.review(0.16);
    EXPECT_EQ(policy.window(), 350ms) << "3.5 times the sends would be too many";
    policy.review(0.15);
    EXPECT_EQ(policy.window(), 100ms);
    policy.review(0.28);
    EXPECT_EQ(policy.window(), 100ms);
    policy.review(0.27);
    EXPECT_EQ(policy.window(), 50ms);
    policy.review(0.36);
    EXPECT_EQ(policy.window(), 33ms);
    EXPECT_TRUE(policy.smallest());
}

TEST(WindowPolicy, does_not_swing_when_sends_are_all_the_load) {
    for (const double load_at_33 : {0.3, 0.58, 0.62, 0.75, 0.9, 1.3, 2.0, 5.0}) {
        WindowPolicy policy;
        std::vector<Duration> windows;
        for (int i = 0; i < 20; ++i) {
            const double sends = 33.0 / std::chrono::duration<double, std::milli>{policy.window()}.count();
            policy.review(std::min(1.0, load_at_33 * sends));
            windows.push_back(policy.window());
        }
        EXPECT_EQ(std::ranges::count(windows, windows.back()),
                  20 - (windows[0] != windows.back()) * 1 -
                      (windows[0] != windows[1] && windows[1] != windows.back()) * 1)
            << load_at_33;
    }
}

TEST(FanOut, sends_less_often_under_load_and_loses_nothing) {
    FanOutWorld world;
    for (int i = 0; i < 10; ++i) {
        world.join();
    }
    world.second();
    const auto sends_in_a_second = [&] {
        const std::uint64_t before = world.fan_out->counters().sends;
        world.second();
        return (world.fan_out->counters().sends - before) / 10;
    };
    EXPECT_EQ(sends_in_a_second(), 25U);
    world.executor.set_load(0.65);
    world.second();
    EXPECT_EQ(world.fan_out->window(), 50ms);
    EXPECT_LE(sends_in_a_second(), 20U);
    world.executor.set_load(0.85);
    world.second();
    EXPECT_EQ(world.fan_out->window(), 350ms);
    EXPECT_LE(sends_in_a_second(), 3U);
    world.executor.set_load(0.1);
    for (int i = 0; i < 4; ++i) {
        world.second();
    }
    EXPECT_EQ(world.fan_out->window(), 33ms);
    EXPECT_EQ(sends_in_a_second(), 25U);
    for (const auto& place : world.places) {
        EXPECT_EQ(place->player->bytes(), world.all_since(0));
    }
}

TEST(FanOut, delays_nothing_by_more_than_the_window) {
    for (const double load : {0.0, 0.65, 0.75, 0.85}) {
        FanOutWorld world;
        world.executor.set_load(load);
        for (std::size_t i = 0; i < 3 * Audience::slot_size_min; ++i) {
            world.join();
        }
        world.second();
        world.second();
        const std::uint64_t since = world.next;
        const Duration window = world.fan_out->window();
        std::vector<Instant> published;
        for (int i = 0; i < 25; ++i) {
            published.push_back(world.time.now());
            world.send(i % 25 == 0 ? 'K' : 'V', 500);
            world.time.run_for(40ms);
        }
        world.time.run_for(400ms);
        Duration longest{};
        for (const auto& place : world.places) {
            for (const Message& message : place->player->messages()) {
                if (message.number >= since && message.kind != 'L' && message.kind != 'R') {
                    longest = std::max(longest, message.at - published[message.number - since]);
                }
            }
        }
        EXPECT_LE(longest, window) << load;
        EXPECT_GE(longest, load == 0.0 ? Audience::tick : window / 2) << load;
    }
}

TEST(FanOut, does_not_always_serve_the_same_viewers_last) {
    FanOutWorld world;
    for (std::size_t i = 0; i < 4 * Audience::slot_size_min; ++i) {
        world.join();
    }
    for (int i = 0; i < 4; ++i) {
        world.second();
    }
    for (const auto& place : world.places) {
        std::size_t at_once = 0;
        for (const Message& message : place->player->messages()) {
            at_once += message.kind == 'V' && (message.at - Instant{}) % 40ms == 0ms ? 1 : 0;
        }
        // Two of the four slots share the first tick.
        EXPECT_GE(at_once, 40U);
        EXPECT_LE(at_once, 56U);
    }
}

TEST(Slab, gives_places_again_and_never_moves_an_object) {
    Slab<std::string> slab;
    std::vector<std::string*> objects;
    for (int i = 0; i < 200; ++i) {
        objects.push_back(&slab.create(std::to_string(i)));
    }
    EXPECT_EQ(slab.capacity(), 256U);
    for (int i = 0; i < 200; i += 2) {
        slab.destroy(*objects[static_cast<std::size_t>(i)]);
    }
    for (int i = 0; i < 150; ++i) {
        objects.push_back(&slab.create("new"));
    }
    EXPECT_EQ(slab.capacity(), 256U);
    for (std::size_t i = 1; i < 200; i += 2) {
        EXPECT_EQ(*objects[i], std::to_string(i));
        slab.destroy(*objects[i]);
    }
    for (std::size_t i = 200; i < objects.size(); ++i) {
        slab.destroy(*objects[i]);
    }
}

TEST(Ring, keeps_order_and_forgets_what_is_destroyed) {
    Ring head;
    Ring a;
    {
        Ring b;
        head.push_back(b);
        head.push_back(a);
        EXPECT_EQ(head.next(), &b);
        head.push_back(b);
        EXPECT_EQ(head.next(), &a);
        EXPECT_EQ(a.next(), &b);
    }
    EXPECT_EQ(a.next(), &head);
    a.unlink();
    EXPECT_TRUE(head.alone());
}

}   // namespace
}   // namespace millrace::net
