#pragma once

#include "protocol/kcp/trial_for_tests.hpp"

#include <atomic>
#include <concepts>
#include <optional>
#include <thread>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MILLRACE_SLOW_BUILD
#endif
#endif

namespace millrace::kcp {

/// Of a build in which as many seeds as otherwise would take too long.
#ifdef MILLRACE_SLOW_BUILD
inline constexpr bool slow_build = true;
#else
inline constexpr bool slow_build = false;
#endif

/// What the median of many seeds may reach; nothing where a figure says nothing of the row.
struct Goal {
    double p95 = 1e9;
    double p99 = 1e9;
    double largest = 1e9;
    double overhead = 1e9;
    double needless = 1;
    double within_600 = 0;
    double queue_p95 = 1e9;
    double overflows = 1e9;
    double worst = 1e9;   ///< largest of any seed
};

/// One network under video, and what ours must reach there.
struct VideoRow {
    const char* name;
    const char* mode = "video";
    Line line{};
    double parity = 0;
    Goal goal{};
};

inline constexpr Duration half_trip = 50ms;

/// One set of parameters for all networks.
inline const VideoRow video_rows[] = {
    {"no loss",
     "video",
     {},
     0,
     {.p99 = 62, .largest = 62, .overhead = 1.065, .needless = 0.001, .worst = 75}},
    {"no loss, reordering", "video", {.in_order = false}, 0, {.p99 = 63, .needless = 0.008, .worst = 180}},
    {"1 %", "video", {.loss = 0.01}, 0, {.p99 = 175, .overhead = 1.09, .worst = 420}},
    {"5 %", "video", {.loss = 0.05}, 0, {.p99 = 190, .largest = 270, .overhead = 1.20, .worst = 500}},
    {"10 %", "video", {.loss = 0.10}, 0, {.p99 = 240, .largest = 305, .overhead = 1.33, .worst = 600}},
    {"5 %, reordering",
     "video",
     {.in_order = false, .loss = 0.05},
     0,
     {.p99 = 185, .overhead = 1.25, .worst = 500}},
    {"5 %, bursts of 4",
     "video",
     {.loss = 0.05, .burst = 4},
     0,
     {.p99 = 200, .overhead = 1.23, .worst = 900}},
    {"20 %, RTT 100",
     "video",
     {.delay_min = half_trip, .delay_max = half_trip, .loss = 0.20},
     0,
     {.p99 = 300, .overhead = 1.60, .within_600 = 0.9995, .worst = 1'200}},
    {"30 %, RTT 100",
     "video",
     {.delay_min = half_trip, .delay_max = half_trip, .loss = 0.30},
     0,
     {.p99 = 420, .overhead = 2.0, .within_600 = 0.999, .worst = 1'500}},
    {"3 Mbit/s, 64 kB queue",
     "video",
     {.bytes_per_second = 3e6 / 8},
     0,
     {.p99 = 185, .overhead = 1.08, .queue_p95 = 30, .overflows = 0, .worst = 450}},
    {"3 Mbit/s, 64 kB queue, 1 %",
     "video",
     {.loss = 0.01, .bytes_per_second = 3e6 / 8},
     0,
     {.p99 = 250, .overhead = 1.09, .queue_p95 = 30, .overflows = 0, .worst = 700}},
    {"2.3 Mbit/s, 64 kB queue, 1 %",
     "video",
     {.loss = 0.01, .bytes_per_second = 2.3e6 / 8},
     0,
     {.p99 = 360, .overhead = 1.10, .within_600 = 0.999, .worst = 1'000}},
};

/// The share of parity is that of the product.
inline constexpr double follows_the_loss = -1;

/// With parity between our own ends, of a fixed share but for the last ones.
inline const VideoRow parity_rows[] = {
    {"1 %, parity 10 %",
     "video_fec",
     {.loss = 0.01},
     0.10,
     {.p95 = 62, .p99 = 100, .overhead = 1.18, .worst = 400}},
    {"5 %, parity 22 %",
     "video_fec",
     {.loss = 0.05},
     0.22,
     {.p95 = 62, .p99 = 120, .overhead = 1.32, .worst = 500}},
    {"5 %, parity 25 %",
     "video_fec",
     {.loss = 0.05},
     0.25,
     {.p95 = 62, .p99 = 100, .overhead = 1.35, .worst = 500}},
    {"10 %, parity 40 %",
     "video_fec",
     {.loss = 0.10},
     0.40,
     {.p95 = 62, .p99 = 100, .overhead = 1.50, .worst = 700}},
    {"1 %, parity as it follows the loss",
     "video_fec",
     {.loss = 0.01},
     follows_the_loss,
     {.p95 = 62, .p99 = 100, .overhead = 1.18, .worst = 500}},
    {"5 %, parity as it follows the loss",
     "video_fec",
     {.loss = 0.05},
     follows_the_loss,
     {.p95 = 62, .p99 = 100, .overhead = 1.35, .worst = 500}},
};

/// The figures of so many seeds, each by `make(seed)`, on two threads.
template <std::invocable<std::uint64_t> Make>
std::vector<std::invoke_result_t<Make, std::uint64_t>> of_seeds(std::size_t seeds, const Make& make) {
    std::vector<std::invoke_result_t<Make, std::uint64_t>> all(seeds);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t place = next++; place < seeds; place = next++) {
            all[place] = make(place + 1);
        }
    };
    std::jthread other{work};
    work();
    other.join();
    return all;
}

inline std::vector<VideoFigures> run(const VideoRow& row, std::size_t seeds, double seconds) {
    const Settings settings = mode(row.mode);
    return of_seeds(seeds, [&](std::uint64_t seed) {
        return video(
            {.near = settings, .far = settings, .line = row.line, .seed = seed, .parity = row.parity},
            {.seconds = seconds});
    });
}

/// F14: random loss each way, or nothing at all for 200 ms. A frame is in time within four round trips and
/// 200 ms; the outage is not counted where both come together, nor where it alone is nearly all of that.
struct LossRow {
    Duration round_trip;
    double loss;
    Duration outage;   ///< each five seconds, both ways for themselves

    Duration limit() const {
        const bool counted = loss == 0 && 4 * round_trip > outage;
        return 4 * round_trip + 200ms + (counted ? Duration{} : outage);
    }
    double in_time_min() const { return loss < 0.25 ? 0.999 : 0.99; }
    /// What the secure link adds to each datagram is not in it.
    double overhead_max() const { return loss <= 0.20 && outage == 0ns ? 1.60 : 2.3; }
};

inline std::vector<LossRow> loss_rows() {
    std::vector<LossRow> rows;
    for (const Duration round_trip : {5ms, 100ms, 300ms}) {
        rows.push_back({round_trip, 0, 200ms});
        for (const double loss : {0.05, 0.10, 0.20, 0.30}) {
            rows.push_back({round_trip, loss, 0ms});
            rows.push_back({round_trip, loss, 200ms});
        }
    }
    return rows;
}

inline VideoFigures run(const LossRow& row, std::uint64_t seed, double seconds) {
    const Line line{.delay_min = row.round_trip / 2,
                    .delay_max = row.round_trip / 2,
                    .loss = row.loss,
                    .outage = row.outage};
    const Settings settings = mode("video");
    return video({.near = settings, .far = settings, .line = line, .seed = seed},
                 {.seconds = seconds, .limit = row.limit()});
}

/// The reference's own network: exactly five of a hundred are lost each way.
inline constexpr Line echo_line{.loss = 0.05, .exact_loss = true};

inline std::vector<EchoFigures> run_echo(const Settings& asking, const Settings& answering, const Line& line,
                                         std::size_t seeds) {
    return of_seeds(seeds, [&](std::uint64_t seed) {
        return echo({.near = asking, .far = answering, .line = line, .seed = seed});
    });
}

/// For the end that answers at once: an acknowledgement that waits would have nothing to ride with.
inline Settings answering(Settings settings) {
    settings.ack_delay = std::min<Duration>(settings.ack_delay, 1ms);
    return settings;
}

/// The reference's turbo mode with the windows that video needs.
inline Settings turbo_for_video() {
    Settings settings = mode("turbo");
    settings.send_window = 256;
    settings.receive_window = 256;
    return settings;
}

}   // namespace millrace::kcp
