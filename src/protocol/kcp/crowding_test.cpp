#include "protocol/kcp/crowding.hpp"

#include "protocol/kcp/path_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::kcp {
namespace {

constexpr Duration every = 10ms;
constexpr Duration shortest = 50ms;
constexpr Duration queue = 40ms;

/// A queue that grows for two seconds, and is empty again: a datagram each 10 ms, of which some are lost.
/// Whether it is found at the end, and whether ever.
struct Found {
    bool at_last = false;
    bool ever = false;
};
template <class Loses>
Found find(Duration span, std::uint64_t seed, const Loses& loses) {
    Found found;
    Crowding crowding;
    Dice dice{seed};
    Instant now;
    for (std::int64_t i = 0; now < Instant{} + span; ++i, now = now + every) {
        const double filled = static_cast<double>(i % 200) / 200;
        const Duration trip =
            shortest +
            Duration{static_cast<std::int64_t>(filled * static_cast<double>(Duration{queue}.count()))};
        if (loses(dice, filled)) {
            crowding.lose(trip, shortest, now);
        } else {
            crowding.add(trip, now);
        }
        found.at_last = crowding.found(now);
        found.ever = found.ever || found.at_last;
    }
    return found;
}

TEST(KcpCrowding, a_queue_that_loses_what_finds_no_room_is_found) {
    const auto overflows = [](Dice& dice, double filled) { return filled > 0.95 && dice.share() < 0.3; };
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        EXPECT_TRUE(find(20s, seed, overflows).at_last) << seed;
    }
}

TEST(KcpCrowding, chance_is_not) {
    for (const double loss : {0.01, 0.05, 0.1}) {
        const auto chance = [loss](Dice& dice, double) { return dice.share() < loss; };
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            EXPECT_FALSE(find(60s, seed, chance).ever) << loss << ' ' << seed;
        }
    }
}

TEST(KcpCrowding, nor_is_one_overflow_or_one_of_long_ago) {
    std::int64_t left = 3;
    const auto once = [&left](Dice&, double filled) { return filled > 0.9 && left-- > 0; };
    EXPECT_FALSE(find(4s, 1, once).ever);
    std::int64_t sent = 0;
    const auto first = [&sent](Dice& dice, double filled) {
        return ++sent < 2'000 && filled > 0.95 && dice.share() < 0.3;
    };
    const Found found = find(120s, 1, first);
    EXPECT_TRUE(found.ever);
    EXPECT_FALSE(found.at_last);
}

}   // namespace
}   // namespace millrace::kcp
