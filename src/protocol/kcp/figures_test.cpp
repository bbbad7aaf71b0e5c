#include "protocol/kcp/rows_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::kcp {
namespace {

constexpr std::size_t fewer = slow_build ? 66 : 1;
constexpr std::size_t seeds = 200 / fewer;
constexpr double video_seconds = 60;   // in fewer, those in which a path is learnt weigh more
/// The median of few seeds is not that of many.
constexpr double slack = fewer == 1 ? 1 : 1.4;

void expect(const VideoRow& row, const std::vector<VideoFigures>& all) {
    using F = VideoFigures;
    EXPECT_LE(spread(all, &F::p95).median, row.goal.p95 * slack) << row.name;
    EXPECT_LE(spread(all, &F::p99).median, row.goal.p99 * slack) << row.name;
    EXPECT_LE(spread(all, &F::largest).median, row.goal.largest * slack) << row.name;
    EXPECT_LE(spread(all, &F::overhead).median, row.goal.overhead * slack) << row.name;
    EXPECT_LE(spread(all, &F::needless).median, row.goal.needless * slack) << row.name;
    EXPECT_GE(mean(all, &F::within_600), row.goal.within_600) << row.name;
    EXPECT_LE(spread(all, &F::queue_p95).median, row.goal.queue_p95 * slack) << row.name;
    EXPECT_LE(spread(all, &F::overflows).median, row.goal.overflows) << row.name;
    EXPECT_LE(spread(all, &F::largest).worst, row.goal.worst) << row.name;
}

TEST(KcpFigures, row_0_30_echoes_small_messages_in_fewer_datagrams_and_sooner_than_the_reference) {
    using F = EchoFigures;
    const Settings riding = mode("messages");
    const auto ours = run_echo(riding, answering(riding), echo_line, seeds);
    EXPECT_LE(spread(ours, &F::average).median, 100);
    EXPECT_LE(spread(ours, &F::largest).median, 180 * slack);
    EXPECT_LE(spread(ours, &F::largest).worst, 450);
    EXPECT_LE(spread(ours, &F::datagrams).median, 1'050);
    Settings plain = riding;
    plain.rides = 0;
    const auto arq = run_echo(plain, answering(plain), echo_line, seeds);
    EXPECT_LE(spread(arq, &F::average).median, 130 * slack);
    EXPECT_LE(spread(arq, &F::largest).median, 370 * slack);
    EXPECT_LE(spread(arq, &F::datagrams).median, 1'150);
    const auto reference = run_echo(mode("fast"), mode("turbo"), echo_line, seeds);
    EXPECT_LE(spread(ours, &F::bytes).median, 1.9 * spread(reference, &F::bytes).median);
    EXPECT_LT(spread(arq, &F::bytes).median, spread(reference, &F::bytes).median);
    const auto idle = run_echo(plain, answering(plain), {}, seeds);
    EXPECT_LE(spread(idle, &F::needless).median, 0.003);
}

TEST(KcpFigures, classic_modes_behave_like_the_reference) {
    const auto fast = run_echo(mode("fast"), mode("turbo"), echo_line, seeds);
    EXPECT_NEAR(spread(fast, &EchoFigures::average).median, 138, 10);
    EXPECT_NEAR(spread(fast, &EchoFigures::datagrams).median, 1'331, 40);
    const auto normal = run_echo(mode("normal"), mode("normal"), echo_line, seeds);
    EXPECT_NEAR(spread(normal, &EchoFigures::average).median, 158, 16);
    std::vector<VideoFigures> turbo;
    std::vector<VideoFigures> clean;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Settings settings = turbo_for_video();
        turbo.push_back(video({settings, settings, {.loss = 0.05}, seed}, {.seconds = video_seconds}));
        clean.push_back(video({settings, settings, {}, seed}, {.seconds = video_seconds}));
    }
    EXPECT_NEAR(spread(turbo, &VideoFigures::p99).median, 303, 30);
    EXPECT_NEAR(spread(clean, &VideoFigures::needless).median, 0.10, 0.02);
}

TEST(KcpFigures, row_3_14_brings_video_within_its_goals_on_every_network_with_one_set_of_parameters) {
    for (const VideoRow& row : video_rows) {
        expect(row, run(row, seeds, video_seconds));
    }
}

TEST(KcpFigures, f14_frames_are_in_time_over_any_round_trip_loss_and_outages) {
    // An hour of each: kcpbench hour. In a minute the first seconds weigh more.
    constexpr double beginning = fewer == 1 ? 0.001 : 0.01;
    constexpr std::uint64_t minutes = 2;
    for (const LossRow& row : loss_rows()) {
        double in_time = 0;
        for (std::uint64_t seed = 1; seed <= minutes; ++seed) {
            const VideoFigures got = run(row, seed, fewer == 1 ? 60 : 15);
            in_time += got.in_time / minutes;
            EXPECT_LE(got.overhead, row.overhead_max() * slack) << row.round_trip / 1ms << ' ' << row.loss;
        }
        EXPECT_GE(in_time, row.in_time_min() - beginning)
            << row.round_trip / 1ms << ' ' << row.loss << ' ' << row.outage / 1ms;
    }
}

TEST(KcpFigures, row_3_14_brings_video_with_parity_before_a_resend_could) {
    for (const VideoRow& row : parity_rows) {
        expect(row, run(row, seeds, video_seconds));
    }
}

TEST(KcpFigures, parity_follows_the_loss_and_stays_away_from_bursts) {
    const Settings settings = mode("video_fec");
    const auto overhead = [&settings](const Line& line) {
        return video({.near = settings, .far = settings, .line = line, .seed = 3, .parity = -1},
                     {.seconds = 20})
            .overhead;
    };
    EXPECT_LT(overhead({}), 1.09);
    EXPECT_GT(overhead({.loss = 0.05}), 1.25);
    EXPECT_LT(overhead({.loss = 0.05, .burst = 5}), 1.25);
}

TEST(KcpFigures, gets_along_with_a_plain_peer_better_than_the_reference_does) {
    std::vector<VideoFigures> ours;
    for (std::uint64_t seed = 1; seed <= 40 / fewer + 1; ++seed) {
        ours.push_back(video({mode("video").for_plain_peer(), turbo_for_video(), {.loss = 0.05}, seed},
                             {.seconds = video_seconds}));
    }
    EXPECT_LT(spread(ours, &VideoFigures::p99).median, 303 * slack);
    EXPECT_LT(spread(ours, &VideoFigures::overhead).median, 1.25 * slack);
}

}   // namespace
}   // namespace millrace::kcp
