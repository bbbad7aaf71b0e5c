#include "base/fifo.hpp"

#include "base/allocations_for_tests.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace millrace {

TEST(Fifo, gives_in_order_what_came) {
    Fifo<int> fifo;
    EXPECT_TRUE(fifo.empty());
    fifo.push_back(1);
    fifo.emplace_back(2);
    EXPECT_EQ(fifo.pop(), 1);
    fifo.push_back(3);
    EXPECT_EQ(fifo.size(), 2U);
    EXPECT_EQ(fifo.pop(), 2);
    EXPECT_EQ(fifo.pop(), 3);
    EXPECT_TRUE(fifo.empty());
}

TEST(Fifo, holds_nothing_that_was_taken) {
    Fifo<std::shared_ptr<int>> fifo;
    const auto one = std::make_shared<int>(1);
    fifo.push_back(one);
    fifo.push_back(one);
    EXPECT_EQ(fifo.pop(), one);
    EXPECT_EQ(one.use_count(), 2);
    fifo.clear();
    EXPECT_EQ(one.use_count(), 1);
    EXPECT_TRUE(fifo.empty());
}

TEST(Fifo, allocates_nothing_where_little_waits_and_gives_back_what_a_burst_took) {
    Fifo<int> fifo;
    fifo.push_back(0);
    fifo.pop();
    const std::uint64_t before = toys::allocations;
    for (int i = 0; i < 1000; ++i) {
        fifo.push_back(i);
        EXPECT_EQ(fifo.pop(), i);
    }
    EXPECT_EQ(toys::allocations, before);
    for (std::size_t i = 0; i < 2 * Fifo<int>::kept_max; ++i) {
        fifo.push_back(0);
    }
    while (!fifo.empty()) {
        fifo.pop();
    }
    const std::uint64_t after_burst = toys::allocations;
    fifo.push_back(0);
    EXPECT_TRUE(!toys::allocations_are_counted || toys::allocations == after_burst + 1);
}

}   // namespace millrace
