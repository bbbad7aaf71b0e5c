#include "base/virtual_time.hpp"

#include "base/waiting.hpp"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(VirtualTime, moves_only_when_nothing_is_left_to_do) {
    VirtualTime time;
    auto& executor = time.add_executor();
    std::string order;
    const auto say_later = [](VirtualExecutor& e, std::string& text, Duration wait) -> Task<> {
        co_await sleep_until(e, e.now() + wait);
        text += std::to_string(wait / 1s);
        e.post([&e, &text] { text += "p" + std::to_string(e.now().nanoseconds() / 1'000'000'000); });
    };
    executor.tasks().spawn(say_later(executor, order, 3s));
    executor.tasks().spawn(say_later(executor, order, 1s));
    executor.tasks().spawn(say_later(executor, order, 2s));
    time.run_for(10s);
    EXPECT_EQ(order, "1p12p23p3");
    EXPECT_EQ(time.now() - Instant{}, 10s);
    EXPECT_EQ(time.utc().seconds(), 1'800'000'010);
}

TEST(VirtualTime, runs_what_one_thread_posts_in_the_order_posted) {
    VirtualTime time{7};
    auto& a = time.add_executor();
    auto& b = time.add_executor();
    std::string order;
    for (char c = 'a'; c <= 'j'; ++c) {
        b.post([&, c] {
            EXPECT_TRUE(b.is_current());
            EXPECT_FALSE(a.is_current());
            order += c;
        });
        a.post([] {});
    }
    EXPECT_EQ(order, "");
    time.settle();
    EXPECT_EQ(order, "abcdefghij");
}

TEST(VirtualTime, interleaves_executors_by_the_seed_and_the_same_seed_alike) {
    const auto run = [](std::uint64_t seed) {
        VirtualTime time{seed};
        std::string order;
        std::vector<VirtualExecutor*> executors{&time.add_executor(), &time.add_executor()};
        for (int i = 0; i < 20; ++i) {
            for (std::size_t e = 0; e < 2; ++e) {
                executors[e]->post([&order, e] { order += e == 0 ? 'x' : 'y'; });
            }
        }
        time.settle();
        return order;
    };
    EXPECT_EQ(run(1), run(1));
    EXPECT_NE(run(1), run(2));
}

TEST(VirtualTime, of_a_halted_executor_nothing_runs_and_the_others_go_on) {
    VirtualTime time;
    auto& halted = time.add_executor();
    auto& other = time.add_executor();
    std::string said;
    const auto say = [](VirtualExecutor& executor, std::string& text, std::string word) -> Task<> {
        co_await sleep_until(executor, executor.now() + 1s);
        text += word;
    };
    halted.tasks().spawn(say(halted, said, "halted"));
    other.tasks().spawn(say(other, said, "other"));
    halted.post([&said] { said += "before"; });
    halted.halt();
    halted.post([&said] { said += "after"; });
    time.run_for(2s);
    EXPECT_EQ(said, "other");
    EXPECT_EQ(time.now(), Instant{} + 2s);
}

TEST(VirtualTime, ends_every_conversation_before_any_executor_goes) {
    std::string said;
    {
        VirtualTime time;
        auto& a = time.add_executor();
        auto& b = time.add_executor();
        // What `a` runs holds a timer of `b`, and the other way round.
        const auto hold = [](VirtualExecutor& other, std::string& text) -> Task<> {
            co_await sleep_until(other, other.now() + 1h);
            text += "woken";
        };
        a.tasks().spawn(hold(b, said));
        b.tasks().spawn(hold(a, said));
    }
    EXPECT_EQ(said, "");
}

TEST(SeededRandom, gives_the_same_for_the_same_seed_and_stays_below_its_bound) {
    SeededRandom a{3};
    SeededRandom b{3};
    SeededRandom c{4};
    EXPECT_EQ(a.next_u32(), b.next_u32());
    EXPECT_NE(a.next_u32(), c.next_u32());
    std::array<int, 10> seen{};
    for (int i = 0; i < 1000; ++i) {
        ++seen.at(a.below(10));
    }
    for (const int count : seen) {
        EXPECT_GT(count, 60);
    }
}

}   // namespace
}   // namespace millrace
