#include "net/background_threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace millrace::net {
namespace {

TEST(BackgroundThreads, run_everything_off_the_callers_thread) {
    constexpr int works = 50;
    std::latch done{works};
    std::atomic<int> here = 0;
    BackgroundThreads background{2};
    for (int i = 0; i < works; ++i) {
        const bool taken = background.run([&, caller = std::this_thread::get_id()] {
            here += std::this_thread::get_id() == caller ? 1 : 0;
            done.count_down();
        });
        EXPECT_TRUE(taken);
    }
    done.wait();
    EXPECT_EQ(here, 0);
}

TEST(BackgroundThreads, refuse_more_than_may_wait_and_drop_it_at_the_end) {
    std::atomic<std::size_t> ran = 0;
    std::latch busy{1};
    std::latch go_on{1};
    {
        BackgroundThreads background{1};
        EXPECT_TRUE(background.run([&] {
            busy.count_down();
            go_on.wait();
            ++ran;
        }));
        busy.wait();
        for (std::size_t i = 0; i < BackgroundThreads::waiting_max; ++i) {
            EXPECT_TRUE(background.run([&] { ++ran; }));
        }
        EXPECT_FALSE(background.run([&] { ++ran; }));
        go_on.count_down();
    }
    EXPECT_GE(ran, 1U);
    EXPECT_LE(ran, 1 + BackgroundThreads::waiting_max);
}

TEST(BoundedQueue, closed_takes_nothing_and_wakes_who_waits) {
    BoundedQueue<int> queue{1};
    std::latch taken{1};
    std::thread taker{[&] {
        EXPECT_EQ(queue.pop(), 7);
        taken.count_down();
        EXPECT_EQ(queue.pop(), std::nullopt);
    }};
    EXPECT_TRUE(queue.push(7));
    taken.wait();
    queue.close();
    taker.join();
    EXPECT_FALSE(queue.push(9));
}

}   // namespace
}   // namespace millrace::net
