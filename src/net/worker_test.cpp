#include "net/worker_pool.hpp"

#include "base/random.hpp"
#include "base/waiting.hpp"
#include "net/loopback_for_tests.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

namespace millrace::net {
namespace {

using testing::RunningPool;

TEST(Worker, keeps_the_order_of_each_posting_thread) {
    constexpr int threads = 4;
    constexpr int posts = 2000;
    RunningPool running{1};
    std::array<int, threads> next{};   // touched by the worker only
    std::atomic<int> out_of_order = 0;
    std::latch all{threads * posts};
    {
        std::vector<std::jthread> posters;
        for (int t = 0; t < threads; ++t) {
            posters.emplace_back([&, t] {
                for (int i = 0; i < posts; ++i) {
                    running.first().post([&, t, i] {
                        out_of_order += next[static_cast<std::size_t>(t)]++ == i ? 0 : 1;
                        all.count_down();
                    });
                }
            });
        }
    }
    all.wait();
    EXPECT_EQ(out_of_order, 0);
}

struct Alarm final : Timer {
    void on_time() override {
        const Instant now = worker->now();
        *early = *early || now < when();
        order->push_back(when());
        left->count_down();
    }
    Worker* worker = nullptr;
    bool* early = nullptr;
    std::vector<Instant>* order = nullptr;
    std::latch* left = nullptr;
};

TEST(Worker, runs_thousands_of_timers_in_order_and_none_early) {
    constexpr std::size_t count = 5000;
    RunningPool running{1};
    std::latch left{count};
    bool early = false;
    std::vector<Instant> order;
    std::vector<Alarm> alarms(count);
    running.first().post([&] {
        const Instant start = running.first().now();
        SeededRandom random{7};
        for (Alarm& alarm : alarms) {
            alarm.worker = &running.first();
            alarm.early = &early;
            alarm.order = &order;
            alarm.left = &left;
            running.first().timers().arm(alarm, start + random.below(100) * 1ms);
        }
    });
    left.wait();
    running.pool.stop();
    EXPECT_FALSE(early);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

Task<Duration> lateness(Worker& worker) {
    Duration best = 1h;
    for (int i = 0; i < 20; ++i) {
        const Instant due = worker.now() + 2ms;
        co_await sleep_until(worker, due);
        best = std::min(best, worker.now() - due);
    }
    co_return best;
}

TEST(Worker, is_no_more_than_about_a_millisecond_late) {
    RunningPool running{1};
    // The best of several: a busy machine adds to it, never takes away.
    EXPECT_LT(testing::run(running.first(), [&] { return lateness(running.first()); }), 2ms);
}

Task<double> load_after_being_busy(Worker& worker) {
    for (const Instant end = worker.now() + 1050ms; worker.now() < end;) {
    }
    co_await sleep_until(worker, worker.now());   // into the next turn, which measures first
    co_return worker.load();
}

TEST(Worker, measures_how_busy_its_thread_was) {
    RunningPool running{1};
    const double load = testing::run(running.first(), [&] { return load_after_being_busy(running.first()); });
    EXPECT_GT(load, 0.05);   // other programs may have had most of the processor
    EXPECT_LE(load, 1);
}

struct TellsItsThread {
    Worker& worker;
    std::atomic<int>& ended_at_home;
    ~TellsItsThread() { ended_at_home += worker.is_current() ? 1 : 0; }
};

Task<> wait_for_ever(Worker& worker, std::atomic<int>& ended_at_home) {
    const TellsItsThread guard{worker, ended_at_home};
    co_await sleep_until(worker, worker.now() + 1h);
}

TEST(WorkerPool, ends_conversations_on_their_own_threads_when_it_stops) {
    RunningPool running{3};
    std::atomic<int> ended_at_home = 0;
    for (Worker* const worker : running.pool.workers()) {
        for (int i = 0; i < 10; ++i) {
            worker->post(
                [worker, &ended_at_home] { worker->tasks().spawn(wait_for_ever(*worker, ended_at_home)); });
        }
    }
    running.pool.stop();
    EXPECT_EQ(ended_at_home, 30);
}

void hop(WorkerPool& pool, int hops_left, std::atomic<int>& hops) {
    ++hops;
    if (hops_left > 0) {
        pool.next().post([&pool, hops_left, &hops] { hop(pool, hops_left - 1, hops); });
    }
}

TEST(WorkerPool, runs_what_was_posted_between_workers_before_it_stops) {
    RunningPool running{3};
    std::atomic<int> hops = 0;
    hop(running.pool, 500, hops);
    running.pool.stop();
    EXPECT_EQ(hops, 501);
}

TEST(WorkerPool, destroys_what_is_posted_after_the_stop) {
    RunningPool running{1};
    running.pool.stop();
    auto held = std::make_shared<const int>(1);
    running.first().post([held] { FAIL() << "ran after the stop"; });
    EXPECT_EQ(held.use_count(), 1);
}

TEST(WorkerPool, that_never_started_drops_its_queue) {
    auto held = std::make_shared<const int>(1);
    {
        WorkerPool pool{2};
        pool.next().post([held] {});
    }
    EXPECT_EQ(held.use_count(), 1);
}

}   // namespace
}   // namespace millrace::net
