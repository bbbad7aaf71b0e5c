#include "base/task.hpp"

#include "base/virtual_time.hpp"
#include "base/waiting.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace millrace {
namespace {

/// Says a letter when its scope ends.
struct Farewell {
    std::string& said;
    char letter;
    ~Farewell() { said += letter; }
};

Task<int> seven() {
    co_return 7;
}

Task<std::unique_ptr<int>> boxed(Executor& executor) {
    co_await sleep_until(executor, executor.now() + 1s);
    const int number = co_await seven();
    co_return std::make_unique<int>(number);
}

Task<> store(Executor& executor, int& result) {
    const auto box = co_await boxed(executor);
    result = *box;
}

TEST(Task, gives_its_value_to_the_one_who_awaits_it) {
    VirtualTime time;
    auto& executor = time.add_executor();
    int result = 0;
    executor.tasks().spawn(store(executor, result));
    EXPECT_EQ(executor.tasks().size(), 1U);
    time.run_for(999ms);
    EXPECT_EQ(result, 0);
    time.run_for(1ms);
    EXPECT_EQ(result, 7);
    EXPECT_EQ(executor.tasks().size(), 0U);
}

TEST(Task, does_not_run_before_it_is_awaited) {
    bool ran = false;
    const auto mark = [](bool& done) -> Task<> {
        done = true;
        co_return;
    };
    {
        const Task<> task = mark(ran);
    }
    EXPECT_FALSE(ran);
}

Task<> inner(Executor& executor, std::string& said) {
    const Farewell farewell{said, 'i'};
    co_await sleep_until(executor, Instant::never());
}

Task<> outer(Executor& executor, std::string& said, char letter) {
    const Farewell farewell{said, letter};
    co_await inner(executor, said);
}

TEST(TaskScope, destroys_what_still_waits_newest_first_and_inside_out) {
    VirtualTime time;
    auto& executor = time.add_executor();
    std::string said;
    executor.tasks().spawn(outer(executor, said, 'a'));
    executor.tasks().spawn(outer(executor, said, 'b'));
    time.run_for(1h);
    EXPECT_EQ(executor.tasks().size(), 2U);
    executor.stop();
    EXPECT_EQ(said, "ibia");
    EXPECT_EQ(executor.tasks().size(), 0U);
}

Task<> throws_after(Executor& executor, Duration wait) {
    if (wait > 0ms) {
        co_await sleep_until(executor, executor.now() + wait);
    }
    throw std::runtime_error{"as planned"};
}

Task<> passes_on(Executor& executor, Duration wait) {
    co_await throws_after(executor, wait);
}

Task<> catches(Executor& executor, std::string& said) {
    try {
        co_await throws_after(executor, 1s);
    } catch (const std::runtime_error& error) {
        said = error.what();
    }
}

TEST(TaskScope, an_exception_ends_one_conversation_only) {
    VirtualTime time;
    auto& executor = time.add_executor();
    int result = 0;
    std::string said;
    executor.tasks().spawn(passes_on(executor, 0ms));
    executor.tasks().spawn(passes_on(executor, 500ms));
    executor.tasks().spawn(store(executor, result));
    executor.tasks().spawn(catches(executor, said));
    EXPECT_EQ(executor.tasks().size(), 3U);
    time.run_for(2s);
    EXPECT_EQ(result, 7);
    EXPECT_EQ(said, "as planned");
    EXPECT_EQ(executor.tasks().size(), 0U);
}

Task<> spawns(Executor& executor, int& result) {
    executor.tasks().spawn(store(executor, result));
    co_return;
}

TEST(TaskScope, a_conversation_may_begin_another) {
    VirtualTime time;
    auto& executor = time.add_executor();
    int result = 0;
    executor.tasks().spawn(spawns(executor, result));
    EXPECT_EQ(executor.tasks().size(), 1U);
    time.run_for(1s);
    EXPECT_EQ(result, 7);
}

Task<int> depth(int left) {
    if (left == 0) {
        co_return 0;
    }
    const int below = co_await depth(left - 1);
    co_return below + 1;
}

Task<> measure(int& result) {
    result = co_await depth(1000);
}

TEST(Task, nests_deeply) {
    TaskScope scope;
    int result = 0;
    scope.spawn(measure(result));
    EXPECT_EQ(result, 1000);
}

}   // namespace
}   // namespace millrace
