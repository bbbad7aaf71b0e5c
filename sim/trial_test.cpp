#include "sim/trial.hpp"

#include "sim/seeds.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace millrace::sim {
namespace {

/// What a failure says: the laws, what was drawn, and how to see it again.
std::string words_of(const Outcome& outcome, std::uint64_t seed) {
    return fmt::format("{}\nfaults:\n  {}\nagain: tools/simulate --seeds 1 --from {}",
                       fmt::join(outcome.broken, "\n"), fmt::join(outcome.faults, "\n  "), seed);
}

TEST(Trial, n1_without_faults_both_archives_have_every_unit_of_the_camera) {
    const Outcome outcome = run_trial({.seed = 7, .faults = false});
    EXPECT_TRUE(outcome.broken.empty()) << words_of(outcome, 7);
    EXPECT_GT(outcome.results, 100U) << "what was said of its pictures is with them";
    EXPECT_GT(outcome.written, 1'000U);
    EXPECT_EQ(outcome.recorded, outcome.written);
    EXPECT_TRUE(outcome.faults.empty());
}

TEST(Trial, f26_the_laws_hold_whatever_a_seed_draws) {
    std::uint64_t faults = 0;
    std::uint64_t recorded = 0;
    std::uint64_t results = 0;
    for (const std::uint64_t seed : seeds(12)) {
        const Outcome outcome = run_trial({.seed = seed});
        EXPECT_TRUE(outcome.broken.empty()) << "seed " << seed << "\n" << words_of(outcome, seed);
        faults += outcome.faults.size();
        recorded += outcome.recorded;
        results += outcome.results;
    }
    EXPECT_GT(faults, 0U);
    EXPECT_GT(recorded, 0U);
    EXPECT_GT(results, 0U);
}

TEST(Trial, f26_seeds_that_once_broke_a_law_hold) {
    // A file whose head a power cut left unwritten; a fragment that the edge's disk would not give for a
    // while.
    for (const std::uint64_t seed : {3172U, 5278U, 4282U, 4346U}) {
        const Outcome outcome = run_trial({.seed = seed});
        EXPECT_TRUE(outcome.broken.empty()) << words_of(outcome, seed);
    }
}

TEST(Trial, two_runs_of_a_seed_leave_the_same_trace_and_other_seeds_others) {
    std::set<std::uint64_t> traces;
    for (const std::uint64_t seed : {4U, 12U}) {
        const std::uint64_t trace = run_trial({.seed = seed}).trace;
        EXPECT_EQ(trace, run_trial({.seed = seed}).trace) << "seed " << seed;
        traces.insert(trace);
    }
    EXPECT_EQ(traces.size(), 2U);
}

/// The first seed that finds it.
std::uint64_t finder_of(Plant plant, std::uint64_t most) {
    for (std::uint64_t seed = 1; seed <= most; ++seed) {
        if (!run_trial({.seed = seed, .plant = plant}).broken.empty()) {
            return seed;
        }
    }
    return 0;
}

TEST(Trial, f4_an_acknowledgement_before_the_sync_is_found) {
    EXPECT_NE(finder_of(Plant::early, 40), 0U);
}

TEST(Trial, f4_a_disk_that_only_says_that_it_synced_is_found) {
    EXPECT_NE(finder_of(Plant::lost_syncs, 40), 0U);
}

}   // namespace
}   // namespace millrace::sim
