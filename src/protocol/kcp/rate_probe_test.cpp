#include "protocol/kcp/rate_probe.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace millrace::kcp {
namespace {

/// A probe over a path of one rate, with nothing else on it.
class ProbedPath {
public:
    static constexpr double known = 125'000;   // bytes a second
    static constexpr std::size_t size = 1'250;
    static constexpr Duration way = 50ms;   // there and back

    explicit ProbedPath(double carries, std::size_t bucket = 0) : carries_{carries}, bucket_{bucket} {
        for (int i = 0; i < 50; ++i) {
            round_trip.add(way + takes(bucket > 0 ? 0 : size, carries), {});
        }
    }

    /// Whether one was due; then it is over.
    bool probe() {
        if (!probe_.is_due(now)) {
            return false;
        }
        probe_.begin(round_trip);
        std::vector<std::pair<std::uint64_t, Instant>> acks;
        Instant empty;   // the bucket, and what waits for it
        sent = 0;
        for (; probe_.sending(); now = now + takes(size, RateProbe::gain * known)) {
            empty = std::max(empty, now) + takes(size, carries_);
            probe_.on_sent(++order_, size, sent++ > 1, now);
            acks.emplace_back(order_, std::max(now, empty - takes(bucket_, carries_)) + way);
        }
        found = std::nullopt;
        for (const auto& [order, at] : acks) {
            if (const std::optional<double> rate = probe_.on_arrival(order, known, at)) {
                found = rate;
            }
            now = std::max(now, at);
        }
        return true;
    }
    RateProbe& machine() { return probe_; }

    RoundTrip round_trip;
    Instant now = Instant::from_nanoseconds(1'000'000'000);
    std::size_t sent = 0;
    std::optional<double> found;

private:
    static Duration takes(std::size_t bytes, double rate) {
        return Duration{static_cast<std::int64_t>(static_cast<double>(bytes) / rate * 1e9)};
    }

    RateProbe probe_;
    double carries_;
    std::size_t bucket_;
    std::uint64_t order_ = 0;
};

TEST(RateProbe, row_0_30_finds_what_a_path_carries_up_to_twice_what_was_known) {
    for (const double times : {1.8, 2.0, 8.0}) {
        ProbedPath path{times * ProbedPath::known};
        path.machine().seek(true);
        ASSERT_TRUE(path.probe());
        EXPECT_EQ(path.sent, RateProbe::datagrams_min);
        ASSERT_TRUE(path.found) << times;
        EXPECT_NEAR(*path.found, std::min(times, 2.0) * ProbedPath::known, 0.2 * ProbedPath::known) << times;
        EXPECT_TRUE(path.machine().is_due(path.now)) << "the next at once";
    }
}

TEST(RateProbe, finds_nothing_where_the_path_is_full_or_a_bucket_lets_the_first_ones_through) {
    for (const std::size_t bucket : {0U, 2U, 3U}) {
        ProbedPath path{ProbedPath::known, bucket * ProbedPath::size};
        path.machine().seek(true);
        ASSERT_TRUE(path.probe());
        EXPECT_FALSE(path.found) << bucket;
    }
}

TEST(RateProbe, repeats_a_tenth_of_what_the_path_carries_at_most) {
    ProbedPath path{ProbedPath::known};
    path.machine().seek(true);
    const Instant begin = path.now;
    double repeated = 0;
    while (path.now - begin < 60s) {
        repeated += path.probe() ? static_cast<double>((path.sent - 2) * ProbedPath::size) : 0;
        path.now = path.now + 10ms;
    }
    EXPECT_GT(repeated, 0.07 * 60 * ProbedPath::known);
    EXPECT_LT(repeated, 0.1 * 60 * ProbedPath::known);
}

TEST(RateProbe, leaves_a_path_alone_for_whom_it_is_enough) {
    ProbedPath path{8 * ProbedPath::known};
    EXPECT_FALSE(path.probe());
    path.machine().seek(true);
    EXPECT_TRUE(path.probe());
    path.machine().seek(false);
    EXPECT_FALSE(path.probe());
}

TEST(RateProbe, lasts_longer_where_round_trips_vary) {
    ProbedPath path{8 * ProbedPath::known};
    for (int i = 0; i < 50; ++i) {
        path.round_trip.add(i % 2 == 0 ? 30ms : 90ms, {});
    }
    path.machine().seek(true);
    ASSERT_TRUE(path.probe());
    EXPECT_GT(path.sent, RateProbe::datagrams_min);
    EXPECT_LE(path.sent, RateProbe::datagrams_max);
}

TEST(RateProbe, waits_longer_each_time_that_a_queue_stands_behind_what_it_found) {
    ProbedPath path{8 * ProbedPath::known};
    path.machine().seek(true);
    Duration before{};
    for (int turn = 0; turn < 4; ++turn) {
        ASSERT_TRUE(path.probe()) << turn;
        ASSERT_TRUE(path.found) << turn;
        const Instant stood = path.now + 300ms;
        path.machine().on_standing(stood);
        for (path.now = stood; !path.machine().is_due(path.now);) {
            path.now = path.now + 10ms;
        }
        EXPECT_GE(path.now - stood, std::max<Duration>(2 * before - 20ms, RateProbe::every)) << turn;
        before = path.now - stood;
    }
    EXPECT_GE(before, 4s);
}

}   // namespace
}   // namespace millrace::kcp
