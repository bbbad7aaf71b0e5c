#include "net/process_facts.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

TEST(ProcessFacts, are_those_of_a_process_that_runs) {
    const ProcessFacts facts = process_facts();
    EXPECT_GT(facts.resident_bytes, 100'000U);
    EXPECT_GE(facts.descriptors, 3U);
    EXPECT_GT(facts.descriptors_max, facts.descriptors);
    EXPECT_GE(facts.threads, 1U);
    EXPECT_GT(facts.cpu_seconds, 0);
}

}   // namespace
}   // namespace millrace::net
