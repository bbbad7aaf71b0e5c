#include "base/timer.hpp"

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

namespace millrace {
namespace {

constexpr Instant at(std::int64_t nanoseconds) {
    return Instant::from_nanoseconds(nanoseconds);
}

class Ring final : public Timer {
public:
    explicit Ring(std::function<void()> ring) : ring_{std::move(ring)} {}
    void on_time() override { ring_(); }

private:
    std::function<void()> ring_;
};

TEST(TimerQueue, calls_the_earliest_first_and_equals_in_the_order_armed) {
    TimerQueue queue;
    std::string order;
    Ring a{[&] { order += 'a'; }};
    Ring b{[&] { order += 'b'; }};
    Ring c{[&] { order += 'c'; }};
    Ring d{[&] { order += 'd'; }};
    queue.arm(a, at(30));
    queue.arm(b, at(10));
    queue.arm(c, at(30));
    queue.arm(d, at(20));
    EXPECT_EQ(queue.earliest(), at(10));
    EXPECT_EQ(queue.run_due(at(9)), 0U);
    EXPECT_EQ(queue.run_due(at(20)), 2U);
    EXPECT_EQ(queue.earliest(), at(30));
    EXPECT_EQ(queue.run_due(at(99)), 2U);
    EXPECT_EQ(order, "bdac");
    EXPECT_EQ(queue.earliest(), Instant::never());
}

TEST(TimerQueue, moves_an_armed_timer_and_never_disarms_it) {
    TimerQueue queue;
    int rings = 0;
    Ring timer{[&] { ++rings; }};
    queue.arm(timer, at(10));
    queue.arm(timer, at(50));
    EXPECT_EQ(timer.when(), at(50));
    EXPECT_EQ(queue.run_due(at(40)), 0U);
    queue.arm(timer, Instant::never());
    EXPECT_FALSE(timer.armed());
    EXPECT_EQ(queue.run_due(at(100)), 0U);
    EXPECT_EQ(rings, 0);
}

TEST(TimerQueue, runs_a_timer_armed_within_on_time_at_the_next_run_only) {
    TimerQueue queue;
    int rings = 0;
    Ring timer{[&] {
        ++rings;
        queue.arm(timer, at(0));
    }};
    queue.arm(timer, at(10));
    for (int i = 1; i <= 3; ++i) {
        EXPECT_EQ(queue.run_due(at(10)), 1U);
        EXPECT_EQ(rings, i);
    }
}

TEST(TimerQueue, runs_every_due_timer_although_one_arms_itself_in_the_past) {
    TimerQueue queue;
    std::string order;
    Ring hasty{[&] {
        order += 'h';
        queue.arm(hasty, at(1));
    }};
    Ring patient{[&] { order += 'p'; }};
    queue.arm(hasty, at(5));
    queue.arm(patient, at(10));
    EXPECT_EQ(queue.run_due(at(20)), 2U);
    EXPECT_EQ(order, "hp");
}

TEST(TimerQueue, lets_a_timer_disarm_or_destroy_others_that_are_due) {
    TimerQueue queue;
    int rings = 0;
    auto second = std::make_unique<Ring>([&] { ++rings; });
    Ring third{[&] { ++rings; }};
    Ring first{[&] {
        second.reset();
        third.disarm();
    }};
    queue.arm(first, at(1));
    queue.arm(*second, at(2));
    queue.arm(third, at(3));
    EXPECT_EQ(queue.run_due(at(10)), 1U);
    EXPECT_EQ(rings, 0);
}

TEST(TimerQueue, may_go_before_its_timers_and_they_before_it) {
    int rings = 0;
    Ring outlives{[&] { ++rings; }};
    {
        TimerQueue queue;
        Ring goes_first{[&] { ++rings; }};
        queue.arm(outlives, at(1));
        queue.arm(goes_first, at(2));
    }
    EXPECT_FALSE(outlives.armed());
    TimerQueue another;
    another.arm(outlives, at(1));
    another.run_due(at(1));
    EXPECT_EQ(rings, 1);
}

TEST(TimerQueue, keeps_its_order_however_timers_are_moved) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        SeededRandom random{seed};
        TimerQueue queue;
        std::vector<Instant> rung;
        std::vector<std::unique_ptr<Ring>> timers;
        for (std::size_t i = 0; i < 100; ++i) {
            timers.push_back(
                std::make_unique<Ring>([&rung, &timers, i] { rung.push_back(timers[i]->when()); }));
        }
        for (int i = 0; i < 1000; ++i) {
            Ring& timer = *timers[random.below(100)];
            if (random.below(3) == 0) {
                timer.disarm();
            } else {
                queue.arm(timer, at(random.below(500)));
            }
        }
        const auto armed =
            std::count_if(timers.begin(), timers.end(), [](const auto& t) { return t->armed(); });
        EXPECT_EQ(queue.run_due(at(500)), static_cast<std::size_t>(armed));
        EXPECT_TRUE(std::is_sorted(rung.begin(), rung.end()));
        EXPECT_EQ(queue.earliest(), Instant::never());
    }
}

}   // namespace
}   // namespace millrace
