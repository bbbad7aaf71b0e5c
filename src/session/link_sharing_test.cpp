#include "protocol/kcp/rows_for_tests.hpp"
#include "session/sharing_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

constexpr std::size_t seeds = kcp::slow_build ? 2 : 6;

/// The median of the seeds. Both sides have something: nobody is pushed aside.
void expect_fair(const SharedPath& path) {
    const auto all = kcp::of_seeds(seeds, [&path](std::uint64_t seed) { return Sharing{path, seed}.run(); });
    const double link = kcp::spread(all, &SharedFigures::link).median;
    const double tcp = kcp::spread(all, &SharedFigures::tcp).median;
    const auto where = [&path] {
        return testing::Message() << path.rate << " bit/s, " << path.queue << ", " << path.round_trip / 1ms
                                  << " ms, " << path.tcps << " TCP, " << path.most;
    };
    EXPECT_GE(link, 0.4) << where();
    EXPECT_LE(link, 1.2) << where();
    EXPECT_GE(tcp, 0.7) << where();
}

TEST(LinkSharing, row_0_30_takes_no_more_than_a_fifth_beyond_an_equal_share_beside_a_cubic_tcp) {
    for (const double rate : {4e6, 8e6}) {
        for (const double queue : {0.5, 1.0, 2.0}) {
            expect_fair({.rate = rate, .queue = queue, .most = 1.5});
            expect_fair({.rate = rate, .queue = queue, .most = 4});
        }
    }
    expect_fair({.rate = 2e6});
    expect_fair({.rate = 20e6});
    expect_fair({.rate = 8e6, .round_trip = 20ms});
    expect_fair({.rate = 8e6, .round_trip = 100ms});
}

TEST(LinkSharing, row_0_30_likewise_beside_reno_and_beside_two) {
    for (const double rate : {4e6, 8e6}) {
        expect_fair({.rate = rate, .kind = kcp::Tcp::Kind::reno});
        expect_fair({.rate = rate, .tcps = 2});
    }
}

}   // namespace
}   // namespace millrace::session
